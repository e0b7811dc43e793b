// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "agent/model/status.h"
#include "agent/source/kube/contests.h"
#include "agent/source/kube/event_recorder.h"
#include "agent/source/kube/http_client.h"
#include "agent/source/kube/patience.h"
#include "agent/source/kube/status_merge.h"
#include "agent/source/kube/stored_objects.h"
#include "agent/source/kube/wanted_statuses.h"

namespace slipgate::kube {

// Brings the statuses of the API server's objects in line with those that are wanted, a few at a time, as long as this
// agent is the writer. An object is looked at when one of the two changed, and written if they differ.
class StatusWriter {
  public:
    using Clock = std::chrono::steady_clock;
    using Random = std::function<double()>;  // from [0, 1)

    // `http` and `stored` must outlive it. `instance`: the name of this agent, for Events.
    StatusWriter(HttpClient& http, StoredObjects& stored, std::string instance, Patience patience, Random random);
    ~StatusWriter();
    StatusWriter(const StatusWriter&) = delete;
    StatusWriter& operator=(const StatusWriter&) = delete;

    // What is wanted from now on, of the objects of this snapshot, which lacks those that the agent does not take.
    void want(const Statuses& of_supported, const Snapshot& snapshot);
    [[nodiscard]] bool is_wanted() const { return is_wanted_; }  // anything yet

    // Is this agent the writer? Then does what is to be done now.
    void run(bool is_writer);
    [[nodiscard]] Clock::time_point due() const;  // for run(), at the latest

    [[nodiscard]] std::size_t pending() const;  // objects to look at or to write
    // By result of a request to write: written, conflict, rejected, forbidden, gone, failed.
    [[nodiscard]] const std::map<std::string, std::uint64_t>& writes() const { return writes_; }
    [[nodiscard]] const std::map<std::string, std::uint64_t>& events() const { return recorder_.counts(); }

  private:
    // An object whose request is open, or that is left alone for a while after a failure.
    struct Task {
        std::optional<HttpClient::Id> request;
        Clock::time_point due;    // of the request: when it is given up
        int failures = 0;         // in a row
        bool is_resting = false;  // it may be looked at before it is due
        bool is_stale = false;    // somebody else wrote it: it has to be read first
        std::string asked;        // resource version that was known when the request was made
        std::string read;         // resource version that was read last
        nlohmann::json before;    // the status that is replaced
    };
    // Of an object whose status the API server does not take.
    struct Rejection {
        std::string message;    // what it said last
        Clock::time_point due;  // for another try
    };
    // Of a kind whose requests fail for a reason that is none of the object's.
    struct Pause {
        Clock::time_point until;
        int failures = 0;
        std::string problem;
    };

    void start();
    void stop();
    void look_again(const ObjectKey& key);
    void wake();
    void make_ready(const ObjectKey& key);
    void look_at_ready();
    void look_at_failed();
    [[nodiscard]] bool is_paused(const Resource* kind) const;
    [[nodiscard]] bool is_open(const ObjectKey& key) const;
    void look_at(const ObjectKey& key);

    void rest(const ObjectKey& key, Clock::time_point until);
    void note_write(const Regarding& regarding, std::int64_t generation);
    [[nodiscard]] bool is_fresh(const ObjectKey& key, const StoredObject& stored) const;
    void write(const ObjectKey& key, const StoredObject& stored, nlohmann::json before, const MergedStatus& merged);
    void read(const ObjectKey& key, const StoredObject& stored);
    void request(const ObjectKey& key, const StoredObject& stored, const HttpRequest& request,
                 void (StatusWriter::*on_response)(const ObjectKey&, const HttpResponse&));
    void on_written(const ObjectKey& key, const HttpResponse& response);
    void on_read(const ObjectKey& key, const HttpResponse& response);
    void on_refusal(const ObjectKey& key, const HttpResponse& response, const char* verb);
    void on_rejection(const ObjectKey& key, const std::string& message);
    void retry(const ObjectKey& key);
    void pause(const ObjectKey& key, std::string problem, std::chrono::seconds at_least);
    void end_pause(const ObjectKey& key);
    [[nodiscard]] std::chrono::milliseconds delay(int failures);

    HttpClient& http_;
    StoredObjects& stored_;
    Patience patience_;
    Random random_;
    EventRecorder recorder_;
    WantedStatuses wanted_;
    bool is_wanted_ = false;
    bool is_writer_ = false;
    int looks_ = 0;                   // at objects, in this run()
    Clock::time_point ran_;           // run(), last
    std::set<ObjectKey> ready_;       // to be looked at
    std::set<ObjectKey> failed_;      // the same, after the others: they failed before
    std::optional<ObjectKey> tried_;  // of those, last
    std::map<ObjectKey, Task> tasks_;
    std::size_t open_ = 0;  // requests
    std::map<const Resource*, Pause> pauses_;
    std::map<ObjectKey, Rejection> rejected_;
    Contests contests_;
    std::map<std::string, std::uint64_t> writes_ = {{"written", 0},   {"conflict", 0}, {"rejected", 0},
                                                    {"forbidden", 0}, {"gone", 0},     {"failed", 0}};
};

}  // namespace slipgate::kube
