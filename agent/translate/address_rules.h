// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "agent/base/address.h"
#include "agent/translate/translate.h"

namespace slipgate {

// Which addresses Gateways may have on this node. Built once for a translation.
class AddressRules {
  public:
    // Borrows the options and the circumstances. While its Node names no address, this node has those it had before.
    AddressRules(const Snapshot& snapshot, const TranslateOptions& options, const Circumstances& circumstances);

    // Why no Gateway can have the address; empty: one can.
    [[nodiscard]] std::string refusal(const IpAddress& address) const;

    // The same, of an address that is to be given out.
    [[nodiscard]] std::string refusal_from_pool(const IpAddress& address) const;

    // The same, of an address that somebody wrote into spec.addresses.
    [[nodiscard]] std::string refusal_of_request(const IpAddress& address) const;

    // This node's own addresses, for Gateways that get no other.
    [[nodiscard]] const std::vector<IpAddress>& own() const { return own_; }
    [[nodiscard]] bool is_own(const IpAddress& address) const { return all_own_.contains(address); }

    [[nodiscard]] const std::vector<NodeAddress>& node_addresses() const { return node_addresses_; }

    // Why a listener cannot have the port of the address; empty: it can, as far as the administrator is concerned.
    [[nodiscard]] std::string refusal_of_port(const SocketAddress& vip) const;

    // The administrator set it aside for Gateways, so it is theirs to put on the host.
    [[nodiscard]] bool is_set_aside(const IpAddress& address) const;

  private:
    [[nodiscard]] bool is_of_host(const IpAddress& address) const;
    [[nodiscard]] bool is_in_range(const IpAddress& address) const;
    [[nodiscard]] bool is_in_pool(const IpAddress& address) const;

    const TranslateOptions& options_;
    const Circumstances& circumstances_;
    std::vector<NodeAddress> node_addresses_;  // of this Node
    std::vector<IpAddress> own_;
    std::set<IpAddress> all_own_;
    std::set<IpAddress> of_other_nodes_;
    std::vector<std::pair<IpPrefix, std::string>> networks_of_services_;  // and what says so
    std::vector<IpAddress> of_services_;                                  // sorted: there may be many thousands
};

}  // namespace slipgate
