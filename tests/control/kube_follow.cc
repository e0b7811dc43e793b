// SPDX-License-Identifier: Apache-2.0
// Follows an API server and says on standard output, as a line of JSON each, what the source says: every new state,
// what is missing for the first, and which kinds are followed. Usage: kube_follow KUBECONFIG SILENCE_MS
#include <poll.h>

#include <iostream>
#include <nlohmann/json.hpp>

#include "agent/source/kube/kube_source.h"

namespace {

using namespace slipgate;
using nlohmann::json;

json ports_of(const Service& service) {
    json ports = json::array();
    for (const auto& port : service.ports) ports.push_back(port.port);
    return ports;
}

// What tells versions of an object apart in the tests.
json summary(const LoadedSnapshot& loaded) {
    const auto& snapshot = loaded.snapshot;
    json state;
    for (const auto& [key, object] : snapshot.gateway_classes) state["GatewayClass"][key] = object.controller_name;
    for (const auto& [key, object] : snapshot.gateways) state["Gateway"][key] = object.meta.annotations;
    for (const auto& [key, object] : snapshot.listener_sets) state["ListenerSet"][key] = object.parent_ref.name;
    for (const auto& [key, object] : snapshot.tls_routes) state["TLSRoute"][key] = object.hostnames;
    for (const auto& [key, object] : snapshot.reference_grants) state["ReferenceGrant"][key] = object.from.size();
    for (const auto& [key, object] : snapshot.namespaces) state["Namespace"][key] = object.meta.labels;
    for (const auto& [key, object] : snapshot.services) state["Service"][key] = ports_of(object);
    for (const auto& [key, object] : snapshot.endpoint_slices) state["EndpointSlice"][key] = object.endpoints.size();
    for (const auto& [key, object] : snapshot.nodes) {
        for (const auto& address : object.addresses) state["Node"][key].push_back(address.address.to_string());
    }
    for (const auto& [key, object] : snapshot.service_cidrs) {
        for (const auto& network : object.cidrs) state["ServiceCIDR"][key].push_back(network.to_string());
    }
    if (!snapshot.bundle_versions.empty()) state["bundle_versions"] = snapshot.bundle_versions;
    for (const auto& problem : loaded.problems)
        state["problems"][problem.object.to_string()] = problem.problem.to_string();
    return state;
}

int follow(const char* kubeconfig, std::chrono::milliseconds silence) {
    const auto access = kube::read_kubeconfig(kubeconfig, "");
    if (!access) {
        std::cerr << access.error().message << '\n';
        return 1;
    }
    const auto source = kube::KubeSource::open(*access, {}, {.watch = silence, .answer = silence, .news = 3 * silence});
    if (!source) {
        std::cerr << source.error().message << '\n';
        return 1;
    }
    std::string missing;
    std::map<std::string, std::size_t> followed;
    for (;;) {
        pollfd poll{(*source)->fd(), POLLIN, 0};
        if (::poll(&poll, 1, -1) < 0) return 1;
        if (const auto update = (*source)->read())
            std::cout << json{{"state", summary(*update)}}.dump() << '\n' << std::flush;
        if (const auto now = (*source)->followed(); now != followed)
            std::cout << json{{"followed", followed = now}}.dump() << '\n' << std::flush;
        const auto ready = (*source)->ready();
        const auto now = ready ? std::string() : ready.error().message;
        if (now == missing) continue;
        missing = now;
        std::cout << json{{"missing", missing}}.dump() << '\n' << std::flush;
    }
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 3) return 2;
    return follow(argv[1], std::chrono::milliseconds(std::stoi(argv[2])));
}
