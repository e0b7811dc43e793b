// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <iterator>
#include <map>
#include <memory>
#include <set>
#include <stdexcept>
#include <utility>

namespace slipgate {

// A sorted map of values that are large, many and seldom changed. A copy shares everything with its original: it costs
// a pointer, the first change after it the nodes, and never a value that stays. What two maps share is known to be
// equal without a look at it.
template <typename Key, typename T>
class SharedMap {
    using Nodes = std::map<Key, std::shared_ptr<T>>;

  public:
    using key_type = Key;
    using mapped_type = T;
    using value_type = std::pair<const Key&, const T&>;

    // Valid as long as the map it is of, or a copy that was not changed, is there.
    class const_iterator {
      public:
        using iterator_category = std::input_iterator_tag;  // * gives no reference, as the others would have to
        using value_type = SharedMap::value_type;
        using difference_type = std::ptrdiff_t;
        using reference = value_type;
        struct pointer {
            value_type entry;
            const value_type* operator->() const { return &entry; }
        };

        const_iterator() = default;
        explicit const_iterator(typename Nodes::const_iterator node) : node_(node) {}
        reference operator*() const { return {node_->first, *node_->second}; }
        pointer operator->() const { return {**this}; }
        const_iterator& operator++() {
            ++node_;
            return *this;
        }
        const_iterator operator++(int) { return const_iterator(node_++); }
        bool operator==(const const_iterator&) const = default;

      private:
        typename Nodes::const_iterator node_;
    };
    using iterator = const_iterator;

    [[nodiscard]] const_iterator begin() const { return const_iterator(nodes().begin()); }
    [[nodiscard]] const_iterator end() const { return const_iterator(nodes().end()); }
    [[nodiscard]] const_iterator find(const Key& key) const { return const_iterator(nodes().find(key)); }
    [[nodiscard]] const_iterator lower_bound(const Key& key) const { return const_iterator(nodes().lower_bound(key)); }
    [[nodiscard]] const T& at(const Key& key) const { return *nodes().at(key); }
    [[nodiscard]] bool contains(const Key& key) const { return nodes().contains(key); }
    [[nodiscard]] std::size_t size() const { return nodes().size(); }
    [[nodiscard]] bool empty() const { return nodes().empty(); }

    // The value to be changed, a new one if there is none: until the map is copied.
    T& operator[](const Key& key) {
        auto& value = own()[key];
        if (!value) value = std::make_shared<T>();
        if (value.use_count() > 1) value = std::make_shared<T>(*value);
        return *value;
    }

    // False: it has this value already.
    bool put(const Key& key, T value) {
        const auto known = nodes().find(key);
        if (known != nodes().end() && *known->second == value) return false;
        own().insert_or_assign(key, std::make_shared<T>(std::move(value)));
        return true;
    }

    // These tell how many there were.
    std::size_t erase(const Key& key) { return contains(key) ? own().erase(key) : 0; }
    std::size_t retain(const std::set<Key>& keys) {  // erases the others
        std::set<Key> others;
        for (const auto& [key, value] : nodes()) {
            if (!keys.contains(key)) others.insert(key);
        }
        for (const auto& key : others) own().erase(key);
        return others.size();
    }

    // Becomes equal to the other one; values that are equal already stay those that this one shares.
    void become(const SharedMap& other) {
        const auto before = *this;
        for_each_difference(before, other, [&](const Key& key, const T* /*old*/, const T* now) {
            if (now == nullptr)
                erase(key);
            else
                put(key, *now);
        });
    }

    // Nothing was changed since one was copied from the other.
    [[nodiscard]] bool shares_all(const SharedMap& other) const { return &nodes() == &other.nodes(); }

    bool operator==(const SharedMap& other) const {
        bool equal = true;
        for_each_difference(*this, other, [&](const Key& /*key*/, const T* a, const T* b) {
            equal = equal && a != nullptr && b != nullptr && *a == *b;
        });
        return equal;
    }

    // Calls visit(key, before, after) in the order of keys for each value that is not shared; null: there is none. The
    // two may be equal.
    template <typename Visit>
    friend void for_each_difference(const SharedMap& before, const SharedMap& after, Visit visit) {
        if (before.shares_all(after)) return;
        const T* const none = nullptr;
        const auto less = before.nodes().key_comp();
        auto old = before.nodes().begin();
        auto now = after.nodes().begin();
        while (old != before.nodes().end() || now != after.nodes().end()) {
            if (now == after.nodes().end() || (old != before.nodes().end() && less(old->first, now->first))) {
                visit(old->first, static_cast<const T*>(old->second.get()), none);
                ++old;
            } else if (old == before.nodes().end() || less(now->first, old->first)) {
                visit(now->first, none, static_cast<const T*>(now->second.get()));
                ++now;
            } else {
                if (old->second != now->second)
                    visit(now->first, static_cast<const T*>(old->second.get()),
                          static_cast<const T*>(now->second.get()));
                ++old;
                ++now;
            }
        }
    }

  private:
    [[nodiscard]] const Nodes& nodes() const {
        static const Nodes kNone;
        return nodes_ ? *nodes_ : kNone;
    }
    Nodes& own() {
        if (!nodes_) nodes_ = std::make_shared<Nodes>();
        if (nodes_.use_count() > 1) nodes_ = std::make_shared<Nodes>(*nodes_);
        return *nodes_;
    }

    std::shared_ptr<Nodes> nodes_;  // null: empty
};

}  // namespace slipgate
