// SPDX-License-Identifier: Apache-2.0
#include <iostream>

#include "agent/app/agent.h"
#include "agent/app/config.h"
#include "agent/datapath/datapath.h"
#include "agent/host/host_addresses.h"

namespace {

enum ExitCode { kOk = 0, kFailed = 1, kUsage = 2 };

slipgate::Status run(const slipgate::Config& config) {
    const auto agent = slipgate::Agent::create(config);
    if (!agent) return tl::unexpected(agent.error());
    return (*agent)->run();
}

slipgate::Status uninstall(const slipgate::Config& config) {
    if (auto status = slipgate::uninstall(config.datapath.pin_dir); !status) return status;
    auto addresses = slipgate::HostAddresses::open(config.datapath.pin_dir);
    if (!addresses) return tl::unexpected(addresses.error());
    return addresses->configure({}).status;
}

ExitCode report(const slipgate::Status& status, ExitCode on_error) {
    if (status) return kOk;
    std::cerr << "slipgated: " << status.error().message << '\n';
    return on_error;
}

}  // namespace

int main(int argc, char** argv) {
    using Action = slipgate::CommandLine::Action;
    const auto line = slipgate::parse_command_line(argc, argv);
    if (!line) return report(tl::unexpected(line.error()), kUsage);
    slipgate::log::set_level(line->config.log_level);
    switch (line->action) {
        case Action::kHelp:
            std::cout << slipgate::help_text();
            return kOk;
        case Action::kVersion:
            std::cout << slipgate::version_text();
            return kOk;
        case Action::kUninstall:
            return report(uninstall(line->config), kFailed);
        case Action::kRun:
            return report(run(line->config), kFailed);
    }
    return kFailed;
}
