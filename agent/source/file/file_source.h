// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "agent/source/file/folder.h"
#include "agent/source/file/folder_watch.h"
#include "agent/source/file/load.h"
#include "agent/source/file/object_store.h"
#include "agent/source/source.h"

namespace slipgate {

// A folder of manifests as a source of objects. Logs each problem once, when it appears.
//
// What was good stays in force until something good takes its place: the last version of an object when a new one
// breaks a rule, the last content of a file that is not YAML or cannot be read, that of the folder if it goes away or
// cannot be read. What cannot be read is tried again every second. A file somebody is writing to is read when it is
// closed.
class FileSource final : public Source {
  public:
    // Fails if the folder cannot be watched.
    [[nodiscard]] static Result<FileSource> open(std::string folder);

    // Readable at once after open().
    [[nodiscard]] int fd() const override { return watch_.fd(); }

    // The first state comes when the folder was read for the first time, even for an empty one. It waits for files that
    // cannot be read, but not for ever.
    [[nodiscard]] std::optional<SourceUpdate> read() override;
    [[nodiscard]] Status ready() const override;

  private:
    struct File {
        FileStamp stamp;         // of what was read last
        std::string read_error;  // empty: that could be read
        ManifestFile manifest;   // the last readable content, and what is wrong now
    };

    FileSource(std::string folder, FolderWatch watch) : folder_(std::move(folder)), watch_(std::move(watch)) {}
    bool look();
    bool is_patient();
    bool reread(const std::string& name, const std::optional<FileStamp>& stamp);
    static void take(File& file, const Result<std::string>& text);
    [[nodiscard]] bool has_unread_files() const;
    LoadedSnapshot merge();
    void log_new(const std::vector<SourceProblem>& problems);

    std::string folder_;
    FolderWatch watch_;
    std::map<std::string, File> files_;
    ObjectStore store_;
    std::set<std::string> logged_;
    std::string last_error_;  // of the folder
    bool was_read_ = false;
    std::optional<std::chrono::steady_clock::time_point> partial_since_;  // before the first state
};

}  // namespace slipgate
