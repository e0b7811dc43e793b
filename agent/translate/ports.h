// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>

#include "agent/translate/gateway_state.h"

namespace slipgate {

// Which Gateway has which port of which address: two that want one do not share it, the first has it.
class PortOwners {
  public:
    // For the listeners of a Gateway, or of a ListenerSet that joined it: those that come too late are PortUnavailable.
    // A ListenerSet may be from a namespace that must not know the other Gateway: then messages do not name it.
    enum class Named { no, yes };
    void claim(const GatewayState& gateway, ListenerStates& listeners, Named named);

  private:
    std::map<SocketAddress, std::string> owners_;  // key of the Gateway
};

}  // namespace slipgate
