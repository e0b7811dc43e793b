// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cerrno>
#include <cxxopts.hpp>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "agent/app/config.h"
#include "agent/app/error_list.h"
#include "agent/app/settings.h"

namespace slipgate {
namespace {

cxxopts::Options make_options() {
    cxxopts::Options options("slipgated");
    options.allow_unrecognised_options();
    auto add = options.add_options();
    for (const auto& setting : config::settings()) {
        auto value = cxxopts::value<std::string>();
        if (setting.is_switch()) value->implicit_value("true");
        add(std::string(setting.key), "", value);
    }
    add("config", "", cxxopts::value<std::string>());
    for (const char* action : {"uninstall", "version", "help"}) add(action, "", cxxopts::value<bool>());
    return options;
}

Status apply_config_file(const std::string& path, Config& config) {
    errno = 0;
    std::ifstream file(path);  // a pipe will do, too
    std::stringstream text;
    text << file.rdbuf();  // fails for an empty file as well, but without an error
    if (!file || (!text && errno != 0)) return fail_errno(fmt::format("--config: {}", path), errno);
    return apply_config_yaml(text.str(), path, config);
}

std::string describe_unknown(const std::string& argument) {
    if (!argument.starts_with("--"))
        return fmt::format("{}: not a flag; slipgated takes flags only", log::quote(argument));
    const auto key = argument.substr(2, argument.find('=') - 2);
    return fmt::format("--{}: unknown flag; the nearest known one is --{}", key, config::nearest_key(key));
}

// Absolute, and without symbolic links as far as it exists.
std::filesystem::path resolved(const std::filesystem::path& folder) {
    std::error_code error;
    const auto absolute = std::filesystem::absolute(folder, error);
    auto path = std::filesystem::weakly_canonical(absolute, error);
    if (error) path = absolute.lexically_normal();
    return path.has_filename() ? path : path.parent_path();
}

bool contains(const std::filesystem::path& outer, const std::filesystem::path& inner) {
    return std::mismatch(outer.begin(), outer.end(), inner.begin(), inner.end()).first == outer.end();
}

// Statuses beside manifests would be taken for manifests, sooner or later by a person.
Status check_folders(const Config& config) {
    if (config.manifests.empty() || config.status_dir.empty()) return {};
    const auto manifests = resolved(config.manifests);
    const auto statuses = resolved(config.status_dir);
    const auto* relation = statuses == manifests           ? "is the folder of"
                           : contains(manifests, statuses) ? "lies inside of"
                           : contains(statuses, manifests) ? "contains"
                                                           : nullptr;
    if (!relation) return {};
    return fail(fmt::format("--status-dir: {} {} --manifests, {}: give a folder apart from it",
                            log::quote(config.status_dir.string()), relation, log::quote(config.manifests.string())));
}

// There is one source, and what belongs to another one is a mistake.
Status check_source(const Config& config) {
    if (config.kubernetes && !config.manifests.empty())
        return fail("--kubernetes: not together with --manifests: objects come from one of them");
    if (!config.kubernetes && !config.kubeconfig.empty()) return fail("--kubeconfig: only together with --kubernetes");
    if (config.kubeconfig.empty() && !config.context.empty())
        return fail("--context: only together with --kubeconfig, the file that has it");
    if (!config.kubernetes && config.manifests.empty())
        return fail("--manifests: missing: give the folder of manifests to serve, or --kubernetes");
    return {};
}

Result<CommandLine> interpret(const cxxopts::ParseResult& parsed) {
    CommandLine line;
    if (parsed.count("help"))
        line.action = CommandLine::Action::kHelp;
    else if (parsed.count("version"))
        line.action = CommandLine::Action::kVersion;
    else if (parsed.count("uninstall"))
        line.action = CommandLine::Action::kUninstall;

    ErrorList errors;
    for (const auto& argument : parsed.unmatched()) errors.add(describe_unknown(argument));
    if (parsed.count("config")) {
        if (const auto status = apply_config_file(parsed["config"].as<std::string>(), line.config); !status)
            errors.add(status.error().message);
    }
    std::set<std::string> seen;
    for (const auto& argument : parsed.arguments()) {
        const auto* setting = config::find_setting(argument.key());
        if (!seen.insert(argument.key()).second) {
            errors.add(fmt::format("--{}: given twice", argument.key()));
        } else if (setting) {
            errors.add(setting->set(line.config, argument.value()), "--" + argument.key());
        }
    }
    if (line.action == CommandLine::Action::kRun) {
        for (const auto& status : {check_source(line.config), check_folders(line.config)}) {
            if (!status) errors.add(status.error().message);
        }
    }
    if (const auto status = errors.status(); !status) return tl::unexpected(status.error());
    return line;
}

}  // namespace

Result<CommandLine> parse_command_line(int argc, const char* const* argv) {
    try {
        auto options = make_options();
        return interpret(options.parse(argc, argv));
    } catch (const cxxopts::exceptions::exception& exception) {
        return fail(exception.what());
    }
}

}  // namespace slipgate
