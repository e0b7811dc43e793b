// SPDX-License-Identifier: Apache-2.0
#include "agent/source/kube/follower.h"

#include <fmt/format.h>

#include "agent/base/log.h"

namespace slipgate::kube {
namespace {

// A page of JSON text, which takes up to sixteen times as much room when it is read.
constexpr std::size_t kLongestAnswer = 16U << 20U;

// A definition is as long as its schema, of which nothing is used.
constexpr const char* kOnlyMetadata = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1";
constexpr const char* kOnlyMetadataOfList = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";

// A watch that ends sooner, without a word, would do so again: the same bound as client-go's.
constexpr std::chrono::seconds kShortWatch{1};

// The end of an answer comes with its last part, or it does not come. It is waited for, since to do without it costs a
// connection where the server speaks HTTP/1.1.
constexpr std::chrono::milliseconds kEnds{10};

Event served_or_garbled(const Result<bool>& served) {
    return served ? Event{Served{*served}} : Event{Garbled{served.error().message}};
}

}  // namespace

Follower::Follower(const Resource& resource, HttpClient& http, Objects& objects, Patience patience, Random random)
    : http_(http), objects_(objects), patience_(patience), random_(std::move(random)), reflector_{&resource} {}

Follower::~Follower() {
    end_request();
}

void Follower::start() {
    tell(Started{});
}

Follower::Clock::time_point Follower::due() const {
    const auto next = std::min(due_, stands_);
    return looks_whole_ ? std::min(next, told_at_ + kEnds) : next;
}

void Follower::on_time() {
    const auto now = Clock::now();
    if (looks_whole_ && told_at_ + kEnds <= now) {
        looks_whole_ = false;
        if (nlohmann::json::accept(body_)) return on_whole_answer();
    }
    if (stands_ <= now) see_whether_it_stands();
    if (now < due_) return;
    due_ = Clock::time_point::max();
    tell(request_ ? Event{Silent{news()}} : Event{WaitOver{}});
}

// A server that takes a watch says so at once, and then nothing as long as there is nothing to tell.
void Follower::see_whether_it_stands() {
    const bool stands = request_ && http_.status(*request_) / 100 == 2;
    stands_ = stands ? Clock::time_point::max() : Clock::now() + kShortWatch;
    if (stands) tell(Standing{});
}

void Follower::tell(const Event& event) {
    const auto before = reflector_.problem;
    auto [state, actions] = step(std::move(reflector_), event, random_());
    reflector_ = std::move(state);
    log_problem(before);
    for (const auto& action : actions) std::visit([this](const auto& a) { act(a); }, action);
}

void Follower::log_problem(const std::string& before) const {
    const auto& now = reflector_.problem;
    if (now == before) return;
    const auto& kind = reflector_.resource->kind;
    if (now.empty())
        log::info("source", "following works again", {{"kind", kind}});
    else
        log::warn("source", now, {{"kind", kind}});
}

std::string_view Follower::version() const {
    return reflector_.resource->versions[reflector_.version];
}

void Follower::act(const Discover& action) {
    request({.path = discovery_path(*reflector_.resource, action.version)});
}

void Follower::act(const FindVersion& /*action*/) {
    request({.path = kGroupsPath});
}

void Follower::act(const List& action) {
    if (action.token.empty()) listed_.clear();
    HttpRequest page{.path = collection_path(*reflector_.resource, version()),
                     .query = {{"limit", std::to_string(action.limit)}}};
    if (reflector_.resource->metadata_only) page.accept = kOnlyMetadataOfList;
    if (!action.token.empty()) page.query.emplace_back("continue", action.token);
    request(page);
}

void Follower::act(const Watch& action) {
    HttpRequest watch{.path = collection_path(*reflector_.resource, version()),
                      .query = {{"watch", "true"},
                                {"allowWatchBookmarks", "true"},
                                {"resourceVersion", action.resource_version},
                                {"timeoutSeconds", std::to_string(action.timeout.count())}}};
    if (reflector_.resource->metadata_only) watch.accept = kOnlyMetadata;
    request(watch);
    due_ = requested_ + patience_.watch;  // its first word may be a bookmark
    stands_ = requested_ + kShortWatch;
}

void Follower::act(const KeepPage& /*action*/) {
    for (auto& item : items_) {
        listed_.insert(key_of(item));
        objects_.put(*reflector_.resource, version(), std::move(item), Told::kByList);
    }
    items_.clear();
}

void Follower::act(const Replace& /*action*/) {
    objects_.retain(*reflector_.resource, listed_);
    listed_.clear();
    had_news_ = Clock::now();
}

void Follower::act(const ApplyChange& /*action*/) {
    if (message_.deleted)
        objects_.erase(*reflector_.resource, key_of(message_.object));
    else
        objects_.put(*reflector_.resource, version(), std::move(message_.object));
}

void Follower::act(const ForgetAll& /*action*/) {
    objects_.retain(*reflector_.resource, {});
}

void Follower::act(const DropConnections& /*action*/) {
    http_.drop_connections(reflector_.problem);
}

void Follower::act(const Wait& action) {
    end_request();
    due_ = Clock::now() + action.delay;
}

void Follower::request(const HttpRequest& request) {
    end_request();
    request_ = http_.start(request, {[this](const std::string& bytes) { on_data(bytes); },
                                     [this](const HttpResponse& response) { on_response(response); }});
    requested_ = Clock::now();
    due_ = requested_ + patience_.answer;
    was_told_ = false;
}

void Follower::end_request() {
    if (request_) http_.cancel(*std::exchange(request_, {}));
    stands_ = Clock::time_point::max();
    body_.clear();
    looks_whole_ = false;
    lines_.clear();
}

void Follower::on_data(std::string_view bytes) {
    const bool is_watch = reflector_.phase == Phase::kWatching;
    due_ = Clock::now() + (is_watch ? patience_.watch : patience_.answer);
    if (is_watch) {
        if (!lines_.add(bytes, [this](std::string_view line) { return on_line(line); }))
            tell(Garbled{"a watch event is too long"});
    } else if (body_.size() + bytes.size() > kLongestAnswer) {
        tell(reflector_.phase == Phase::kListing ? Event{TooLong{}}
                                                 : Event{Garbled{"an answer of the API server is too long"}});
    } else {
        body_ += bytes;
        looks_whole_ = body_.ends_with('}') || body_.ends_with("}\n");
        told_at_ = Clock::now();
    }
}

// Its end has not come: libcurl 7.88 at times does not tell of the end of an HTTP/2 stream before something else comes
// on the connection, which is a minute where all is quiet.
void Follower::on_whole_answer() {
    http_.cancel(*std::exchange(request_, {}));
    due_ = Clock::time_point::max();
    tell(read_answer());
}

// True: the watch goes on.
bool Follower::on_line(std::string_view line) {
    auto message = parse_watch_line(line);
    if (!message) {
        tell(Garbled{message.error().message});
        return false;
    }
    message_ = *std::move(message);
    was_told_ = true;
    had_news_ = Clock::now();
    std::visit([this](const auto& event) { tell(event); }, message_.event);
    return reflector_.phase == Phase::kWatching;
}

void Follower::on_response(const HttpResponse& response) {
    request_.reset();
    due_ = stands_ = Clock::time_point::max();
    const bool is_success = response.status / 100 == 2;
    if (is_success && reflector_.phase == Phase::kWatching) {
        tell(end_of_watch(response));
    } else if (!response.error.empty()) {
        tell(Broken{response.error});
    } else if (!is_success) {
        tell(Refused{response.status, refusal_message(response.body), response.retry_after});
    } else {
        tell(read_answer());
    }
}

Event Follower::end_of_watch(const HttpResponse& response) const {
    if (was_told_ || Clock::now() - requested_ >= kShortWatch) return Ended{news()};
    if (!response.error.empty()) return Broken{response.error};
    return Broken{lines_.is_within_line() ? "a watch ended within an event" : "a watch ended at once"};
}

News Follower::news() const {
    return Clock::now() - had_news_ < patience_.news ? News::kRecent : News::kOverdue;
}

Event Follower::read_answer() {
    const auto body = std::exchange(body_, {});
    looks_whole_ = false;
    if (reflector_.phase == Phase::kDiscovering) return served_or_garbled(is_served(body, *reflector_.resource));
    if (reflector_.phase == Phase::kConfirming)
        return served_or_garbled(lists_version(body, *reflector_.resource, version()));
    auto page = parse_page(body);
    if (!page) return Garbled{page.error().message};
    items_ = std::move(page->items);
    return page->page;
}

}  // namespace slipgate::kube
