//! The command line: exit codes, and what it prints for programs.

use super::{Case, Step, run};
use crate::support::world::World;

pub fn cases() -> Vec<Case> {
    vec![Case { name: "commands", world, steps: steps() }]
}

fn world() -> World {
    let mut world = World::with("result fine");
    world.agent("bad", "error credit");
    world.agent_with("slow", "silence", "timeout: 1");
    world.entry("gone", &world.path("nowhere"), "");
    std::fs::create_dir(world.path("room")).unwrap();
    world
}

fn steps() -> Vec<Step> {
    vec![
        run("list", &["list"]),
        run("describe", &["describe", "echo"]),
        run("describe nobody", &["describe", "nobody"]),
        run("describe what is gone", &["describe", "gone"]),
        run("test", &["test", "echo"]),
        run("test with a task", &["test", "echo", "do it", "--timeout", "30"]),
        run("test and watch", &["test", "echo", "do it", "--stream"]),
        run("test what fails", &["test", "bad"]),
        run("test what is too slow", &["test", "slow"]),
        run("test what is gone", &["test", "gone"]),
        run("test nobody", &["test", "nobody"]),
        run(
            "add",
            &["add", "new", "[ROOT]/room", "--timeout", "60", "--allowed-tools", "Read,Grep", "--max-budget", "0.5"],
        ),
        run("add twice", &["add", "new", "[ROOT]/room"]),
        run("add a bad name", &["add", "a b", "[ROOT]/room"]),
        run("add without a directory", &["add", "other", "[ROOT]/none"]),
        run("add without anything", &["add"]),
        run("update", &["update", "new", "--model", "haiku"]),
        run("update the cap away", &["update", "new", "--max-budget", "0"]),
        run("update nothing", &["update", "new"]),
        run("update nobody", &["update", "nobody", "--model", "haiku"]),
        run("update with a bad time", &["update", "new", "--timeout", "-1"]),
        run("remove", &["remove", "new"]),
        run("remove twice", &["remove", "new"]),
        run("stats", &["stats", "--json"]),
        run("stats as text", &["stats"]),
        run("jobs", &["jobs"]),
        run("no verb of that name", &["frobnicate"]),
        run("an option that is none", &["list", "--frobnicate"]),
        run("version", &["--version"]),
        run("help", &["--help"]),
    ]
}
