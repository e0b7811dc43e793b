// SPDX-License-Identifier: Apache-2.0
#include "agent/source/kube/kube_source.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/epoll.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "agent/base/log.h"

namespace slipgate::kube {
namespace {

// A burst of changes is one new state, not one for each packet it comes in.
constexpr std::chrono::milliseconds kCollect{10};

Status watch(const Fd& epoll, int fd) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.fd = fd;
    return ::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, fd, &event) == 0 ? Status{} : fail_errno("epoll_ctl", errno);
}

// Of an agent no other one has, nor an earlier run of this one.
std::string identity(const std::string& name) {
    std::random_device random;
    return fmt::format("{}_{:08x}{:08x}", name, random(), random());
}

}  // namespace

KubeSource::Writer::Writer(HttpClient& http, StoredObjects& stored, const WriterOptions& options, Patience patience,
                           const Follower::Random& random)
    : lease(http, options.lease_namespace, identity(options.name), random),
      statuses(http, stored, options.name, patience, random) {}

Result<std::unique_ptr<KubeSource>> KubeSource::open(const Access& access, const std::optional<WriterOptions>& writer,
                                                     Patience patience) {
    auto http = HttpClient::create(access);
    if (!http) return tl::unexpected(http.error());
    auto timer = Timer::create();
    if (!timer) return tl::unexpected(timer.error());
    Fd epoll(::epoll_create1(EPOLL_CLOEXEC));
    if (!epoll) return fail_errno("epoll_create1", errno);
    if (auto s = watch(epoll, (*http)->fd()); !s) return tl::unexpected(s.error());
    if (auto s = watch(epoll, timer->fd()); !s) return tl::unexpected(s.error());
    log::info("source", "following the API server", {{"server", access.server}});
    std::unique_ptr<KubeSource> source(new KubeSource(*std::move(http), std::move(epoll), *std::move(timer), patience));
    if (writer) {
        source->writer_ = std::make_unique<Writer>(*source->http_, source->objects_.stored(), *writer, patience,
                                                   [s = source.get()] { return s->random(); });
    }
    return source;
}

KubeSource::KubeSource(std::unique_ptr<HttpClient> http, Fd epoll, Timer timer, Patience patience)
    : epoll_(std::move(epoll)), timer_(std::move(timer)), random_(std::random_device{}()), http_(std::move(http)) {
    for (const auto& resource : resources()) {
        followers_.push_back(
            std::make_unique<Follower>(resource, *http_, objects_, patience, [this] { return random(); }));
        followers_.back()->start();
    }
    set_timer();
}

std::optional<SourceUpdate> KubeSource::read() {
    const auto start = Clock::now();
    timer_.acknowledge();
    http_->run();
    for (const auto& follower : followers_) follower->on_time();
    if (writer_ && writer_->statuses.is_wanted()) {
        writer_->lease.on_time();
        writer_->statuses.run(writer_->lease.holds());
    }
    const auto now = Clock::now();
    if (objects_.take_changed()) {
        changed_since_ = std::min(changed_since_, start);
        update_due_ = std::min(update_due_, now + kCollect);
    }
    const bool is_first = !was_read_ && synced();
    const bool is_due = is_first || (was_read_ && update_due_ <= now);
    if (is_due) update_due_ = Clock::time_point::max();
    was_read_ |= is_first;
    set_timer();
    if (!is_due) return {};
    return SourceUpdate{objects_.snapshot(), std::min(std::exchange(changed_since_, Clock::time_point::max()), now)};
}

bool KubeSource::synced() const {
    return std::all_of(followers_.begin(), followers_.end(), [](const auto& follower) { return follower->synced(); });
}

Status KubeSource::ready() const {
    if (was_read_) return {};
    std::string missing;
    for (const auto& follower : followers_) {
        if (follower->synced()) continue;
        if (!missing.empty()) missing += "; ";
        missing += follower->resource().kind;
        if (!follower->problem().empty()) missing += fmt::format(" ({})", follower->problem());
    }
    return fail("not all objects were read yet: " + missing);
}

std::map<std::string, std::size_t> KubeSource::followed() const {
    std::map<std::string, std::size_t> by_kind;
    for (const auto& follower : followers_) by_kind.emplace(follower->resource().kind, follower->followed() ? 1 : 0);
    return by_kind;
}

// It stands for the Lease only now: an agent that has not served anything yet could not tell of it either.
void KubeSource::publish(const Statuses& statuses, const Snapshot& snapshot) {
    if (!writer_) return;
    writer_->statuses.want(statuses, snapshot);
    timer_.start({});
}

std::optional<StatusWrites> KubeSource::status_writes() const {
    if (!writer_) return {};
    const auto& statuses = writer_->statuses;
    return StatusWrites{writer_->lease.holds(), statuses.pending(), statuses.writes(), statuses.events()};
}

void KubeSource::leave() {
    constexpr std::chrono::seconds kLongest{1};
    if (!writer_ || !writer_->lease.release()) return;
    const auto end = Clock::now() + kLongest;
    pollfd poll{http_->fd(), POLLIN, 0};
    while (writer_->lease.is_busy() && Clock::now() < end) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - Clock::now());
        if (::poll(&poll, 1, static_cast<int>(left.count())) > 0) http_->run();
    }
}

void KubeSource::set_timer() {
    auto next = was_read_ ? update_due_ : Clock::time_point::max();
    for (const auto& follower : followers_) next = std::min(next, follower->due());
    if (writer_ && writer_->statuses.is_wanted())
        next = std::min({next, writer_->lease.due(), writer_->statuses.due()});
    if (next == Clock::time_point::max()) return;
    timer_.start(std::chrono::ceil<std::chrono::milliseconds>(next - Clock::now()));
}

}  // namespace slipgate::kube
