// SPDX-License-Identifier: Apache-2.0
#include "agent/source/file/file_source.h"

#include <fmt/format.h>

#include <algorithm>

#include "agent/base/log.h"

namespace slipgate {
namespace {

// How long the first state waits for files that cannot be read. They are looked at once a second.
constexpr std::chrono::seconds kFirstPatience{2};

log::Level level_of(Severity severity) {
    switch (severity) {
        case Severity::debug:
            return log::Level::debug;
        case Severity::info:
            return log::Level::info;
        case Severity::warning:
            return log::Level::warn;
        case Severity::admission:
        case Severity::error:
            break;
    }
    return log::Level::err;
}

void write_log(const SourceProblem& found) {
    const auto level = level_of(found.problem.severity);
    if (found.object.kind.empty()) {
        log::write(level, "source", found.problem.to_string(), {{"file", found.file}, {"line", found.line}});
    } else {
        log::write(level, "source", found.problem.message,
                   {{"file", found.file},
                    {"line", found.line},
                    {"object", found.object.to_string()},
                    {"field", found.problem.field}});
    }
}

// A document that does not say which object it is, because of a mistake in its kind or name, may be any of those that
// are missing in the file now.
void keep_objects_perhaps_meant(const ManifestFile& before, ManifestFile& now) {
    const auto nameless = std::find_if(now.problems.begin(), now.problems.end(), [](const SourceProblem& found) {
        return found.problem.severity >= Severity::warning && found.object.name.empty();
    });
    if (nameless == now.problems.end()) return;
    const auto line = nameless->line;
    for (const auto& object : before.objects) {
        const auto is_same = [&](const ManifestObject& other) { return other.id.to_string() == object.id.to_string(); };
        if (object.id.name.empty() || std::any_of(now.objects.begin(), now.objects.end(), is_same)) continue;
        now.problems.push_back(
            {now.name,
             line,
             object.id,
             0,
             {Severity::warning, "",
              fmt::format("{} stays in force: perhaps this document means it", object.id.to_string())}});
        now.objects.push_back(object);
    }
}

}  // namespace

Result<FileSource> FileSource::open(std::string folder) {
    auto watch = FolderWatch::open(folder);
    if (!watch) return fail(watch.error(), "watch manifests");
    return FileSource(std::move(folder), *std::move(watch));
}

std::optional<SourceUpdate> FileSource::read() {
    const auto since = std::chrono::steady_clock::now();
    if (!watch_.poll()) return {};
    const bool changed = look();
    const bool has_failed = !last_error_.empty();
    const bool is_partial = has_failed || has_unread_files();
    if (is_partial) watch_.look_again();
    if (was_read_ && !changed) return {};
    // What the first state lacks goes from the maps, where an earlier agent may have left it.
    if (!was_read_ && (has_failed || (is_partial && is_patient()))) return {};
    was_read_ = true;
    SourceUpdate update{merge(), since};
    log_new(update.problems);
    return update;
}

// Counted from the first time that files cannot be read.
bool FileSource::is_patient() {
    const auto now = std::chrono::steady_clock::now();
    if (!partial_since_) partial_since_ = now;
    return now - *partial_since_ < kFirstPatience;
}

Status FileSource::ready() const {
    if (was_read_) return {};
    return fail("the manifests have not been read yet" + (last_error_.empty() ? "" : ": " + last_error_));
}

// Compares the folder with what is known of it. True: something is different.
bool FileSource::look() {
    const auto listed = list_manifests(folder_);
    const auto error = listed ? std::string() : listed.error().message;
    if (!error.empty() && error != last_error_) {
        log::error("source", "the folder cannot be read, what is in force stays", {{"error", error}});
    }
    last_error_ = error;
    if (!listed) return false;
    bool changed = std::erase_if(files_, [&](const auto& file) { return !listed->contains(file.first); }) > 0;
    for (const auto& [name, stamp] : *listed) {
        const auto known = files_.find(name);
        const bool is_same = known != files_.end() && known->second.read_error.empty() && known->second.stamp == stamp;
        if (!is_same && !watch_.is_being_written(name)) changed |= reread(name, stamp);
    }
    return changed;
}

// True: the file says something else, or cannot be read for another reason.
bool FileSource::reread(const std::string& name, const std::optional<FileStamp>& stamp) {
    auto& file = files_[name];
    const auto text = read_file(folder_ + "/" + name);
    const auto error = text ? std::string() : text.error().message;
    if (!text && error == file.read_error) return false;
    // The stamp is older than the content: what changes between the two shows as another stamp next time.
    file.stamp = stamp.value_or(FileStamp{});
    file.read_error = error;
    file.manifest.name = name;
    take(file, text);
    return true;
}

void FileSource::take(File& file, const Result<std::string>& text) {
    const auto& name = file.manifest.name;
    auto manifest = text ? read_manifest(*text, name)
                         : tl::unexpected(SourceProblem{name, 0, {}, 0, {Severity::error, "", text.error().message}});
    if (manifest) {
        keep_objects_perhaps_meant(file.manifest, *manifest);
        file.manifest = *std::move(manifest);
        return;
    }
    auto error = manifest.error();
    if (!file.manifest.objects.empty())
        error.problem.message += "; the last readable content of the file stays in force";
    file.manifest.problems = {error};
    for (const auto& object : file.manifest.objects) {
        file.manifest.problems.push_back(error);
        file.manifest.problems.back().object = object.id;
    }
}

bool FileSource::has_unread_files() const {
    return std::any_of(files_.begin(), files_.end(), [](const auto& file) { return !file.second.read_error.empty(); });
}

LoadedSnapshot FileSource::merge() {
    std::vector<ManifestFile> manifests;
    manifests.reserve(files_.size());
    for (const auto& [name, file] : files_) manifests.push_back(file.manifest);
    auto loaded =
        merge_manifests(manifests, [&](const auto& file, const auto& object) { return store_.admit(file, object); });
    store_.forget_unseen();
    return loaded;
}

// The text leaves the object out, so that a bad file is one line and not one for each of its objects.
void FileSource::log_new(const std::vector<SourceProblem>& problems) {
    std::set<std::string> now;
    for (const auto& problem : problems) {
        auto text = problem.to_string();
        if (!logged_.contains(text) && !now.contains(text)) write_log(problem);
        now.insert(std::move(text));
    }
    logged_ = std::move(now);
}

}  // namespace slipgate
