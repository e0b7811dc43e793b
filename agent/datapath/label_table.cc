// SPDX-License-Identifier: Apache-2.0
#include "agent/datapath/label_table.h"

#include <algorithm>
#include <set>

namespace slipgate {

Status LabelTable::adopt(TimePoint now) {
    const auto names = (maps_.*access_.all)();
    if (!names) return tl::unexpected(names.error());
    std::set<std::uint32_t> used;
    for (const auto& [index, name] : *names) {
        used.insert(index);
        indices_.emplace(name, index);
    }
    const auto mark = (maps_.*access_.mark)();
    if (!mark) return tl::unexpected(mark.error());
    mark_ = *mark;
    ids_.adopt(used, mark_, now);
    return {};
}

Placed<std::uint32_t> LabelTable::place(const std::string& name, TimePoint now) {
    if (const auto found = indices_.find(name); found != indices_.end()) return found->second;
    if (name.size() >= sizeof(sg_label::text)) return no_room("its name is too long for a label");
    const auto index = ids_.allocate(now);
    if (!index && ids_.resting()) return resting("the indices that are free were in use minutes ago");
    if (!index) return no_room("all indices are in use");
    Status done;
    if (*index >= mark_) done = (maps_.*access_.set_mark)(*index + 1);
    if (done) mark_ = std::max(mark_, *index + 1);
    if (done) done = (maps_.*access_.set)(*index, name);
    if (!done) {
        ids_.release(*index, now);
        return failed(done.error().message);
    }
    indices_.emplace(name, *index);
    return *index;
}

Status LabelTable::remove(const std::string& name, TimePoint now) {
    const auto found = indices_.find(name);
    if (found == indices_.end()) return {};
    if (auto done = (maps_.*access_.remove)(found->second); !done) return done;
    ids_.release(found->second, now);
    indices_.erase(found);
    return {};
}

}  // namespace slipgate
