// SPDX-License-Identifier: Apache-2.0
#include "agent/source/file/yaml_writer.h"

#include <yaml-cpp/yaml.h>

#include <algorithm>

#include "agent/source/file/yaml.h"

namespace slipgate {
namespace {

// yaml-cpp quotes what is not valid as a plain scalar, but not what is valid and not a string (True, 12, 2026-01-31).
bool needs_quotes(const std::string& text) {
    const auto first = text.empty() ? '0' : text.front();
    const bool letter = (first >= 'a' && first <= 'z') || (first >= 'A' && first <= 'Z');
    return !letter || !plain_scalar(text).is_string();
}

void emit(YAML::Emitter& out, const nlohmann::ordered_json& value) {
    if (value.is_object() || value.is_array()) {
        if (value.empty()) out << YAML::Flow;
        out << (value.is_object() ? YAML::BeginMap : YAML::BeginSeq);
        for (const auto& [key, item] : value.items()) {
            if (value.is_object()) out << YAML::Key << key << YAML::Value;
            emit(out, item);
        }
        out << (value.is_object() ? YAML::EndMap : YAML::EndSeq);
    } else if (value.is_string()) {
        const auto& text = value.get_ref<const std::string&>();
        if (needs_quotes(text)) out << YAML::DoubleQuoted;
        out << text;
    } else {
        out << value.dump();
    }
}

}  // namespace

std::string write_yaml(const nlohmann::ordered_json& value) {
    YAML::Emitter out;
    emit(out, value);
    return std::string(out.c_str(), out.size()) + "\n";
}

}  // namespace slipgate
