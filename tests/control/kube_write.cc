// SPDX-License-Identifier: Apache-2.0
// Follows an API server and writes back what the translator says of each state, as if all of it were in the maps. Says
// on standard output, as a line of JSON each, how writing goes. Ends with its standard input. Usage: kube_write
// KUBECONFIG SILENCE_MS NAME REJECTION_MS
#include <poll.h>
#include <unistd.h>

#include <array>
#include <iostream>
#include <nlohmann/json.hpp>

#include "agent/source/kube/kube_source.h"
#include "agent/translate/translate.h"

namespace {

using namespace slipgate;
using nlohmann::json;

int follow(const char* kubeconfig, kube::Patience patience, const char* name) {
    const auto access = kube::read_kubeconfig(kubeconfig, "");
    if (!access) return 1;
    const auto source = kube::KubeSource::open(*access, kube::WriterOptions{"slipgate-system", name}, patience);
    if (!source) return 1;
    TranslateOptions options;
    options.addresses = {*IpAddress::parse("192.0.2.1")};
    json said;
    for (;;) {
        std::array<pollfd, 2> polled = {pollfd{(*source)->fd(), POLLIN, 0}, pollfd{STDIN_FILENO, POLLIN, 0}};
        if (::poll(polled.data(), polled.size(), -1) < 0) return 1;
        if (polled[1].revents != 0) break;
        if (const auto update = (*source)->read())
            (*source)->publish(translate(update->snapshot, options).statuses, update->snapshot);
        const auto writes = (*source)->status_writes();
        const json now = {{"writer", writes->is_writer},
                          {"pending", writes->pending},
                          {"writes", writes->writes},
                          {"events", writes->events}};
        if (now != said) std::cout << (said = now).dump() << '\n' << std::flush;
    }
    (*source)->leave();
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 5) return 2;
    const std::chrono::milliseconds silence(std::stoi(argv[2]));
    const std::chrono::milliseconds rejection(std::stoi(argv[4]));
    return follow(argv[1], {.watch = silence, .answer = silence, .news = 3 * silence, .rejection = rejection}, argv[3]);
}
