// SPDX-License-Identifier: Apache-2.0
#include "agent/datapath/datapath.h"

namespace slipgate {

struct Datapath::Impl {};

Datapath::Datapath(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Datapath::~Datapath() = default;

Result<std::unique_ptr<Datapath>> Datapath::open(const DatapathOptions& /*options*/) {
    return fail("the data path is not built yet");
}
Status Datapath::apply(RoutingTable /*table*/) {
    return {};
}
bool Datapath::synced() const {
    return false;
}
const std::vector<ServingProblem>& Datapath::problems() const {
    static const std::vector<ServingProblem> none;
    return none;
}
Status Datapath::tick() {
    return {};
}
int Datapath::network_fd() const {
    return -1;
}
Status Datapath::on_network_change() {
    return {};
}
int Datapath::events_fd() const {
    return -1;
}
Result<std::size_t> Datapath::read_events(const std::function<void(const ConnectionEvent&)>& /*sink*/) {
    return 0;
}
Result<std::vector<Counter>> Datapath::counters() const {
    return std::vector<Counter>{};
}
FlowCounts Datapath::flows() const {
    return {};
}
std::vector<std::string> Datapath::interfaces() const {
    return {};
}
Status uninstall(const std::filesystem::path& /*pin_dir*/) {
    return {};
}

}  // namespace slipgate
