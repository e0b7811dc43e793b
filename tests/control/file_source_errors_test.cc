// SPDX-License-Identifier: Apache-2.0
// What cannot be read for a while: nothing that is in force, or was before the agent started, goes for that.
#include <gmock/gmock.h>

#include "tests/control/file_source_fixture.h"
#include "tests/control/no_more_files.h"

namespace slipgate {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

namespace fs = std::filesystem;

class FileSourceErrors : public FileSourceTest {
  protected:
    // The manifest is a link into another folder, so that nothing happens in its own when it can be read again.
    void link_to_a_loop(const std::string& name) {
        fs::create_symlink("loop", elsewhere_ / "loop");
        fs::create_symlink(elsewhere_ / "loop", folder_ / ".new");
        fs::rename(folder_ / ".new", folder_ / name);
    }

    void end_the_loop(const std::string& text) {
        elsewhere_.write("good", text);
        fs::rename(elsewhere_ / "good", elsewhere_ / "loop");
    }

    TempFolder elsewhere_;
};

TEST_F(FileSourceErrors, FirstStateWaitsForAFolderThatIsAway) {
    folder_.write("a.yaml", service("a", 1));
    open();
    const auto away = elsewhere_ / "away";
    fs::rename(folder_.path(), away);
    while (source_->ready().error().message.find("No such file") == std::string::npos) ASSERT_FALSE(read_once());
    fs::rename(away, folder_.path());
    wait_for_first();
    EXPECT_TRUE(state_.snapshot.services.contains("default/a"));
    EXPECT_TRUE(source_->ready());
}

TEST_F(FileSourceErrors, FirstStateWaitsUntilTheFolderCanBeOpened) {
    SKIP_IF_FILES_ARE_NEEDED();
    folder_.write("a.yaml", service("a", 1));
    open();
    {
        const test::NoMoreFiles limit;
        EXPECT_FALSE(read_once());
        EXPECT_THAT(source_->ready().error().message, HasSubstr("Too many open files"));
    }
    wait_for_first();
    EXPECT_TRUE(state_.snapshot.services.contains("default/a"));
}

TEST_F(FileSourceErrors, FolderThatCannotBeOpenedIsTriedAgain) {
    SKIP_IF_FILES_ARE_NEEDED();
    folder_.write("a.yaml", service("a", 1));
    start();
    folder_.write("a.yaml", service("a", 2));
    {
        const test::NoMoreFiles limit;
        EXPECT_FALSE(read_once()) << "takes note of the change";
        EXPECT_FALSE(read_once()) << "fails to look at it";
    }
    wait_for_port("default/a", 2);
}

TEST_F(FileSourceErrors, FileThatCannotBeReachedKeepsItsContentAndIsTriedAgain) {
    folder_.write("a.yaml", service("a", 1));
    start();
    link_to_a_loop("a.yaml");
    wait_for([](const SourceUpdate& update) { return !update.problems.empty(); });
    EXPECT_EQ(state_.snapshot.services.at("default/a").ports.at(0).port, 1);
    EXPECT_THAT(problems()[0], HasSubstr("Too many levels of symbolic links; the last readable content"));
    EXPECT_FALSE(read_once()) << "the same error is nothing new";
    end_the_loop(service("a", 2));
    wait_for_port("default/a", 2);
    EXPECT_THAT(problems(), IsEmpty());
}

TEST_F(FileSourceErrors, FirstStateWaitsForAFileThatCanSoonBeReached) {
    folder_.write("a.yaml", service("a", 1));
    link_to_a_loop("b.yaml");
    open();
    EXPECT_FALSE(read_once());
    end_the_loop(service("b", 1));
    wait_for_first();
    EXPECT_EQ(state_.snapshot.services.size(), 2U);
}

TEST_F(FileSourceErrors, FirstStateDoesWithoutAFileThatNobodyCanReach) {
    folder_.write("a.yaml", service("a", 1));
    link_to_a_loop("b.yaml");
    start();
    EXPECT_EQ(state_.snapshot.services.size(), 1U);
    EXPECT_THAT(problems(), ElementsAre(HasSubstr("/b.yaml: Too many levels of symbolic links")));
}

TEST_F(FileSourceErrors, LinkThatLeadsNowhereIsNoFile) {
    fs::create_symlink("nowhere", folder_ / "a.yaml");
    open();
    const auto first = read_once();
    ASSERT_TRUE(first) << "nothing to wait for";
    EXPECT_THAT(first->problems, IsEmpty());
}

}  // namespace
}  // namespace slipgate
