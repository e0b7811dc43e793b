// SPDX-License-Identifier: Apache-2.0
#include "agent/app/local_addresses.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <netinet/in.h>

#include <cerrno>
#include <memory>

namespace slipgate {
namespace {

std::optional<IpAddress> to_address(const sockaddr* address) {
    if (!address) return std::nullopt;  // an interface without one
    char text[INET6_ADDRSTRLEN];
    const void* bytes = nullptr;
    if (address->sa_family == AF_INET) bytes = &reinterpret_cast<const sockaddr_in*>(address)->sin_addr;
    if (address->sa_family == AF_INET6) bytes = &reinterpret_cast<const sockaddr_in6*>(address)->sin6_addr;
    if (!bytes || !::inet_ntop(address->sa_family, bytes, text, sizeof text)) return std::nullopt;
    return IpAddress::parse(text);
}

}  // namespace

Result<std::set<IpAddress>> local_addresses() {
    ifaddrs* list = nullptr;
    if (::getifaddrs(&list) != 0) return fail_errno("getifaddrs", errno);
    const std::unique_ptr<ifaddrs, decltype(&::freeifaddrs)> owner(list, ::freeifaddrs);
    std::set<IpAddress> addresses;
    for (const ifaddrs* entry = list; entry; entry = entry->ifa_next) {
        if (const auto address = to_address(entry->ifa_addr)) addresses.insert(*address);
    }
    return addresses;
}

}  // namespace slipgate
