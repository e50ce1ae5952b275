//! What is found in project directories, however they behave.
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use agent_dispatch::config::describe::{MAX_DESCRIPTION_CHARS, description};
use agent_dispatch::config::detect::{DETECTION_BUDGET, Detection, Health, detect, detect_all, preview};
use agent_dispatch::config::mcp_file;

use crate::support::make_fifo;

pub fn project(files: &[(&str, &str)]) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    for (name, content) in files {
        let path = directory.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
    directory
}

#[test]
fn files_stand_for_stacks_databases_and_servers() {
    let project = project(&[
        ("package.json", "{}"),
        ("pyproject.toml", ""),
        ("go.mod", ""),
        ("Cargo.toml", ""),
        ("compose.yml", ""),
        ("Dockerfile", ""),
        ("alembic.ini", ""),
        ("migrations/1.sql", ""),
        ("prisma/schema.prisma", ""),
        ("CLAUDE.md", ""),
        ("README.md", ""),
        (".mcp.json", r#"{"mcpServers": {"b": {}, "a": 5}}"#),
        (".claude/settings.local.json", r#"{"mcpServers": {"a": {}, "c": {}}}"#),
    ]);
    assert_eq!(
        detect(project.path()),
        Detection {
            health: Health::Healthy,
            has_claude_md: true,
            has_readme: true,
            has_mcp_config: true,
            mcp_file: mcp_file::stamp(project.path()),
            mcp_config_error: Some("servers without `command` or `url`: b, a".into()),
            mcp_servers: vec!["b".into(), "a".into(), "c".into()],
            stacks: vec!["Docker", "Docker Compose", "Rust", "Go", "Python", "Node.js"],
            dbs: vec!["Prisma", "Alembic", "migrations"],
        }
    );
}

#[test]
fn every_common_ecosystem_is_a_stack() {
    type Case<'a> = (&'a [(&'a str, &'a str)], &'a [&'a str], &'a [&'a str]);
    let cases: [Case<'_>; 12] = [
        (&[("setup.py", "")], &["Python"], &[]),
        (&[("uv.lock", "")], &["Python"], &[]),
        (&[("pom.xml", ""), ("src/main/resources/db/migration/V1.sql", "")], &["Maven"], &["Flyway"]),
        (&[("build.gradle.kts", "")], &["Gradle"], &[]),
        (&[("Gemfile", ""), ("db/migrate/1.rb", "")], &["Ruby"], &["migrations"]),
        (&[("shop.gemspec", "")], &["Ruby"], &[]),
        (&[("deno.jsonc", "")], &["Deno"], &[]),
        (&[("composer.json", ""), ("database/migrations/1.php", "")], &["PHP"], &["migrations"]),
        (&[("Shop.sln", ""), ("Migrations/1.cs", "")], &[".NET"], &["migrations"]),
        (&[("drizzle.config.ts", ""), ("package.json", "")], &["Node.js"], &["Drizzle"]),
        // Projects one level down count where the top has none; what others made does not.
        (
            &[("web/package.json", ""), ("api/go.mod", ""), ("api/migrations/1", ""), ("node_modules/Cargo.toml", "")],
            &["Go", "Node.js"],
            &["migrations"],
        ),
        (&[("Cargo.toml", ""), ("web/package.json", "")], &["Rust"], &[]),
    ];
    for (files, stacks, dbs) in cases {
        let found = detect(project(files).path());
        assert_eq!((found.stacks.as_slice(), found.dbs.as_slice()), (stacks, dbs), "{files:?}");
    }
}

#[test]
fn links_and_crowded_directories_are_seen_alike() {
    let project = project(&[("go.mod", ""), ("elsewhere/x", "")]);
    std::os::unix::fs::symlink("go.mod", project.path().join("Cargo.toml")).unwrap();
    std::os::unix::fs::symlink("nowhere", project.path().join("Dockerfile")).unwrap();
    std::os::unix::fs::symlink("elsewhere", project.path().join("prisma")).unwrap();
    std::os::unix::fs::symlink("go.mod", project.path().join("migrations")).unwrap();
    let few = detect(project.path());
    assert_eq!((few.stacks.as_slice(), few.dbs.as_slice()), (&["Rust", "Go"][..], &["Prisma"][..]));
    for index in 0..1500 {
        fs::write(project.path().join(format!("file-{index}")), "").unwrap();
    }
    assert_eq!(detect(project.path()), few);
}

#[test]
fn hostile_files_cost_nothing() {
    let project = project(&[
        (".mcp.json", &format!("{}1{}", "[".repeat(5000), "]".repeat(5000))),
        (
            ".claude/settings.local.json",
            &format!(
                "{{\"mcpServers\": {{{}\"z\": 1}}}}",
                (0..500).map(|index| format!("\"{}{index}\": 1,", "n".repeat(300))).collect::<String>()
            ),
        ),
    ]);
    make_fifo(project.path().join("CLAUDE.md"));
    make_fifo(project.path().join("package.json"));
    let huge = fs::File::create(project.path().join("README.md")).unwrap();
    huge.set_len(1 << 40).unwrap();
    let found = detect(project.path());
    assert!(found.mcp_servers.len() <= 50 && found.mcp_servers.iter().all(|name| name.len() <= 100));
    assert!(description(project.path()).chars().count() <= MAX_DESCRIPTION_CHARS);
    assert_eq!(preview(&project.path().join("CLAUDE.md"), 40), None);
    let readme = preview(&project.path().join("README.md"), 40).unwrap();
    assert!(readme.truncated && readme.text.len() <= 8000);
}

#[test]
fn health_tells_missing_from_unreadable() {
    let project = project(&[("file", "")]);
    assert_eq!(detect(project.path()).health, Health::Healthy);
    assert_eq!(detect(&project.path().join("none")).health, Health::Missing);
    assert_eq!(detect(&project.path().join("file")).health, Health::Missing);
    assert_eq!(detect(Path::new("/proc/1/x\0y")).health, Health::Unreadable);
    let json = serde_json::json!([Health::Healthy, Health::Missing, Health::Unreadable]);
    assert_eq!(json.to_string(), r#"[true,false,"UNREADABLE"]"#);
}

#[test]
fn all_are_answered_in_their_places_and_time() {
    let projects: Vec<_> =
        (0..60).map(|index| if index % 3 == 0 { project(&[("go.mod", "")]) } else { project(&[]) }).collect();
    let directories: Vec<PathBuf> = projects.iter().map(|project| project.path().to_path_buf()).collect();
    let found = detect_all(&directories, DETECTION_BUDGET);
    for (index, found) in found.iter().enumerate() {
        assert_eq!((found.health, found.stacks.len()), (Health::Healthy, usize::from(index % 3 == 0)), "{index}");
    }
    let none = detect_all(&directories, Duration::ZERO);
    assert!(none.len() == 60 && detect_all(&[], DETECTION_BUDGET).is_empty());
}

#[test]
fn previews_are_cut_at_lines_and_letters() {
    let project = project(&[("a", "one\ntwo\nthree\n"), ("b", &"é".repeat(10_000)), ("c", "")]);
    let preview = |name: &str, lines| preview(&project.path().join(name), lines).unwrap();
    assert_eq!((preview("a", 2).text.as_str(), preview("a", 2).truncated), ("one\ntwo", true));
    assert_eq!((preview("a", 3).text.as_str(), preview("a", 3).truncated), ("one\ntwo\nthree", false));
    let long = preview("b", 1);
    assert!(long.truncated && long.text.chars().all(|letter| letter == 'é'));
    assert!(!preview("c", 5).truncated);
}
