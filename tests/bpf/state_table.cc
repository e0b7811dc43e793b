// SPDX-License-Identifier: Apache-2.0
#include "tests/bpf/state_table.h"

#include <algorithm>
#include <fstream>
#include <sstream>

namespace slipgate::test {
namespace {

constexpr std::size_t kColumns = 9;

std::vector<std::string> words(const std::string& text) {
    std::istringstream stream(text);
    std::vector<std::string> all;
    for (std::string word; stream >> word;) all.push_back(word);
    return all;
}

std::vector<std::string> cells(const std::string& line) {
    std::istringstream stream(line);
    std::vector<std::string> all;
    std::string cell;
    std::getline(stream, cell, '|');  // before the first bar
    while (std::getline(stream, cell, '|')) {
        const auto from = cell.find_first_not_of(' ');
        all.push_back(from == std::string::npos ? "" : cell.substr(from, cell.find_last_not_of(' ') - from + 1));
    }
    return all;
}

std::uint8_t flag(const std::string& name) {
    for (int bit = 0; bit < 8; ++bit) {
        if (flag_names(static_cast<std::uint8_t>(1 << bit)) == name) return static_cast<std::uint8_t>(1 << bit);
    }
    ADD_FAILURE() << "no TCP flag: " << name;
    return 0;
}

bool allows(const std::vector<std::string>& allowed, const std::string& word) {
    return allowed.empty() || std::find(allowed.begin(), allowed.end(), word) != allowed.end();
}

Row read_row(const std::vector<std::string>& cell, int line) {
    Row row;
    row.states = words(cell[0]);
    row.from = words(cell[1]);
    for (const auto& word : words(cell[2])) {
        if (word[0] == '!') {
            row.clear |= flag(word.substr(1));
        } else {
            row.set |= flag(word);
        }
    }
    row.seq = words(cell[3]);
    row.ack = words(cell[4]);
    row.data = words(cell[5]);
    row.action = cell[6];
    row.next = cell[7];
    for (const auto& name : words(cell[8])) row.counters[name]++;
    row.line = line;
    return row;
}

}  // namespace

std::string to_string(const Situation& s) {
    return s.state + ", from " + s.from + ", " + flag_names(s.flags) + ", seq " + s.seq + ", ack " + s.ack + ", data " +
           s.data;
}

bool Row::fits(const Situation& s) const {
    return allows(states, s.state) && allows(from, s.from) && (s.flags & set) == set && !(s.flags & clear) &&
           allows(seq, s.seq) && allows(ack, s.ack) && allows(data, s.data);
}

std::vector<Row> read_state_table(const std::string& document, const std::string& mode) {
    const auto mark = "<!-- tests/bpf/states_test.cc reads the table of " + mode + " from here on -->";
    std::ifstream file(document);
    EXPECT_TRUE(file) << document;
    std::vector<Row> rows;
    std::string text;
    int number = 0;
    int after_mark = -1;
    while (std::getline(file, text)) {
        ++number;
        if (after_mark < 0) {
            if (text == mark) after_mark = 0;
        } else if (text.empty() || text[0] != '|') {
            break;
        } else if (++after_mark > 2) {  // behind the two lines of the head
            const auto cell = cells(text);
            EXPECT_EQ(cell.size(), kColumns) << document << ":" << number;
            if (cell.size() == kColumns) rows.push_back(read_row(cell, number));
        }
    }
    EXPECT_FALSE(rows.empty()) << "no table behind \"" << mark << "\" in " << document;
    return rows;
}

}  // namespace slipgate::test
