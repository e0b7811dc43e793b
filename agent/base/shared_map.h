// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <initializer_list>
#include <iterator>
#include <memory>
#include <set>
#include <stdexcept>
#include <utility>
#include <vector>

namespace slipgate {

// A sorted map of values that are large, many and seldom changed. A copy shares everything with its original, at the
// cost of a pointer. A change after it copies a leaf of some dozen entries, and no value but the one that changes. What
// two maps share is known to be equal without a look at it.
template <typename Key, typename T>
class SharedMap {
    using Entry = std::pair<Key, std::shared_ptr<T>>;
    using Leaf = std::vector<Entry>;  // never empty
    struct Root {
        std::vector<std::shared_ptr<Leaf>> leaves;
        std::size_t size = 0;  // entries
    };
    static constexpr std::size_t kMost = 64;  // entries of a leaf

    struct Place {
        std::size_t leaf = 0;
        std::size_t entry = 0;  // 0 behind the last leaf
        bool operator==(const Place&) const = default;
    };

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
        const_iterator(const Root* root, Place place) : root_(root), place_(place) {}
        reference operator*() const {
            const auto& entry = (*root_->leaves[place_.leaf])[place_.entry];
            return {entry.first, *entry.second};
        }
        pointer operator->() const { return {**this}; }
        const_iterator& operator++() {
            place_ = next(*root_, place_);
            return *this;
        }
        const_iterator operator++(int) { return std::exchange(*this, const_iterator(root_, next(*root_, place_))); }
        bool operator==(const const_iterator& other) const { return place_ == other.place_; }

      private:
        const Root* root_ = nullptr;
        Place place_;
    };
    using iterator = const_iterator;

    SharedMap() = default;
    SharedMap(std::initializer_list<std::pair<Key, T>> entries) {
        for (const auto& [key, value] : entries) put(key, value);
    }

    [[nodiscard]] const_iterator begin() const { return {&root(), {}}; }
    [[nodiscard]] const_iterator end() const { return {&root(), {root().leaves.size(), 0}}; }
    [[nodiscard]] const_iterator lower_bound(const Key& key) const { return {&root(), place_of(key).first}; }
    [[nodiscard]] const_iterator find(const Key& key) const {
        const auto [place, found] = place_of(key);
        return found ? const_iterator(&root(), place) : end();
    }
    [[nodiscard]] const T& at(const Key& key) const {
        const auto [place, found] = place_of(key);
        if (!found) throw std::out_of_range("SharedMap::at");
        return *entry_at(place).second;
    }
    [[nodiscard]] bool contains(const Key& key) const { return place_of(key).second; }
    [[nodiscard]] std::size_t size() const { return root().size; }
    [[nodiscard]] bool empty() const { return size() == 0; }

    // The value to be changed, a new one if there is none: until the map is copied.
    T& operator[](const Key& key) {
        const auto [place, found] = place_of(key);
        if (!found) return *insert(place, key, std::make_shared<T>());
        auto& value = own_leaf(place.leaf)[place.entry].second;
        if (value.use_count() > 1) value = std::make_shared<T>(*value);
        return *value;
    }

    // False: it has this value already.
    bool put(const Key& key, T value) {
        const auto [place, found] = place_of(key);
        if (!found) {
            insert(place, key, std::make_shared<T>(std::move(value)));
            return true;
        }
        if (*entry_at(place).second == value) return false;
        own_leaf(place.leaf)[place.entry].second = std::make_shared<T>(std::move(value));
        return true;
    }

    // These tell how many there were.
    std::size_t erase(const Key& key) {
        const auto [place, found] = place_of(key);
        if (!found) return 0;
        auto& leaf = own_leaf(place.leaf);
        leaf.erase(leaf.begin() + static_cast<std::ptrdiff_t>(place.entry));
        if (leaf.empty()) root_->leaves.erase(root_->leaves.begin() + static_cast<std::ptrdiff_t>(place.leaf));
        --root_->size;
        return 1;
    }
    std::size_t retain(const std::set<Key>& keys) {  // erases the others
        std::vector<Key> others;
        for (const auto& [key, value] : *this) {
            if (!keys.contains(key)) others.push_back(key);
        }
        for (const auto& key : others) erase(key);
        return others.size();
    }

    // Becomes equal to the other one; values that are equal already stay those that this one shares.
    void become(const SharedMap& other) {
        if (empty()) *this = other;
        const auto before = *this;
        for_each_difference(before, other, [&](const Key& key, const T* /*old*/, const T* now) {
            if (now == nullptr)
                erase(key);
            else
                put(key, *now);
        });
    }

    // Nothing was changed since one was copied from the other.
    [[nodiscard]] bool shares_all(const SharedMap& other) const { return &root() == &other.root(); }

    bool operator==(const SharedMap& other) const {
        if (size() != other.size()) return false;
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
        Place old;
        Place now;
        for (;;) {
            if (before.has(old) && after.has(now) && old.entry == 0 && now.entry == 0 &&
                before.root().leaves[old.leaf] == after.root().leaves[now.leaf]) {
                ++old.leaf;
                ++now.leaf;
                continue;
            }
            const auto* const a = before.has(old) ? &before.entry_at(old) : nullptr;
            const auto* const b = after.has(now) ? &after.entry_at(now) : nullptr;
            if (a == nullptr && b == nullptr) return;
            const bool is_new = b != nullptr && (a == nullptr || !(a->first < b->first));
            const bool is_old = a != nullptr && (!is_new || !(b->first < a->first));
            if (!is_old || !is_new || a->second != b->second)
                visit(is_new ? b->first : a->first, is_old ? a->second.get() : none, is_new ? b->second.get() : none);
            if (is_old) old = next(before.root(), old);
            if (is_new) now = next(after.root(), now);
        }
    }

  private:
    static Place next(const Root& root, Place place) {
        if (++place.entry < root.leaves[place.leaf]->size()) return place;
        return {place.leaf + 1, 0};
    }

    [[nodiscard]] const Root& root() const {
        static const Root kEmpty;
        return root_ ? *root_ : kEmpty;
    }
    [[nodiscard]] bool has(Place place) const { return place.leaf < root().leaves.size(); }
    [[nodiscard]] const Entry& entry_at(Place place) const { return (*root().leaves[place.leaf])[place.entry]; }

    // The first entry that is not less than `key`, and whether that is its own.
    [[nodiscard]] std::pair<Place, bool> place_of(const Key& key) const {
        const auto& leaves = root().leaves;
        const auto leaf = std::partition_point(leaves.begin(), leaves.end(),
                                               [&](const auto& candidate) { return candidate->back().first < key; });
        const auto index = static_cast<std::size_t>(leaf - leaves.begin());
        if (leaf == leaves.end()) return {{index, 0}, false};
        const auto entry = std::partition_point((*leaf)->begin(), (*leaf)->end(),
                                                [&](const auto& candidate) { return candidate.first < key; });
        return {{index, static_cast<std::size_t>(entry - (*leaf)->begin())}, !(key < entry->first)};
    }

    Root& own_root() {
        if (!root_) root_ = std::make_shared<Root>();
        if (root_.use_count() > 1) root_ = std::make_shared<Root>(*root_);
        return *root_;
    }
    Leaf& own_leaf(std::size_t index) {
        auto& leaf = own_root().leaves[index];
        if (leaf.use_count() > 1) leaf = std::make_shared<Leaf>(*leaf);
        return *leaf;
    }

    // `place`: of the first entry with a greater key.
    std::shared_ptr<T> insert(Place place, const Key& key, std::shared_ptr<T> value) {
        auto& root = own_root();
        ++root.size;
        if (place.leaf == root.leaves.size()) {  // behind the last leaf
            if (root.leaves.empty()) root.leaves.push_back(std::make_shared<Leaf>());
            place = {root.leaves.size() - 1, root.leaves.back()->size()};
        }
        auto& leaf = own_leaf(place.leaf);
        leaf.emplace(leaf.begin() + static_cast<std::ptrdiff_t>(place.entry), key, value);
        if (leaf.size() > kMost) {
            const auto middle = leaf.begin() + kMost / 2;
            auto upper = std::make_shared<Leaf>(std::make_move_iterator(middle), std::make_move_iterator(leaf.end()));
            leaf.erase(middle, leaf.end());
            root.leaves.insert(root.leaves.begin() + static_cast<std::ptrdiff_t>(place.leaf) + 1, std::move(upper));
        }
        return value;
    }

    std::shared_ptr<Root> root_;  // null: empty
};

}  // namespace slipgate
