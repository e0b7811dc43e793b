// SPDX-License-Identifier: Apache-2.0
#include <yaml-cpp/yaml.h>

#include <set>

#include "agent/app/config.h"
#include "agent/app/error_list.h"
#include "agent/app/settings.h"
#include "agent/source/file/yaml.h"

namespace slipgate {
namespace {

// A scalar, or a list of scalars as if they were separated by commas.
Result<std::string> value_text(const YAML::Node& node) {
    if (node.IsScalar()) return node.Scalar();
    if (!node.IsSequence()) return fail("give a value, or a list of values");
    std::string joined;
    for (const auto& item : node) {
        if (!item.IsScalar()) return fail("a list may only hold plain values");
        joined += (joined.empty() ? "" : ",") + item.Scalar();
    }
    return joined;
}

Status apply_entry(const std::string& key, const YAML::Node& node, Config& config) {
    const auto* setting = config::find_setting(key);
    if (!setting) return fail(fmt::format("unknown key; the nearest known one is {}", config::nearest_key(key)));
    const auto text = value_text(node);
    if (!text) return tl::unexpected(text.error());
    return setting->set(config, *text);
}

// The only one that is not empty; an empty file has none.
Result<YAML::Node> load_document(std::string_view text, std::string_view name) {
    const auto documents = load_yaml(text);
    if (!documents)
        return fail(fmt::format("{}:{}: no valid YAML: {}", name, documents.error().line, documents.error().message));
    YAML::Node found;
    for (const auto& document : *documents) {
        if (document.IsNull()) continue;
        if (!found.IsNull()) {
            return fail(fmt::format("{}:{}: a second YAML document begins here: put all settings into one", name,
                                    document.Mark().line + 1));
        }
        found.reset(document);
    }
    return found;
}

Status apply_document(const YAML::Node& document, std::string_view name, Config& config) {
    if (document.IsNull()) return {};
    if (!document.IsMap()) return fail(fmt::format("{}: give one `key: value` per line", name));
    ErrorList errors;
    std::set<std::string> seen;
    for (const auto& entry : document) {
        const std::string key = entry.first.IsScalar() ? entry.first.Scalar() : "";
        const auto place = fmt::format("{}:{}: {}", name, entry.first.Mark().line + 1, log::quote(key));
        if (!seen.insert(key).second) {
            errors.add(place + ": given twice");
        } else {
            errors.add(apply_entry(key, entry.second, config), place);
        }
    }
    return errors.status();
}

}  // namespace

Status apply_config_yaml(std::string_view text, std::string_view name, Config& config) {
    const auto document = load_document(text, name);
    return document ? apply_document(*document, name, config) : tl::unexpected(document.error());
}

}  // namespace slipgate
