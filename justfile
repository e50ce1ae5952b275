# The words of this project; each recipe is a command that works without just.   just --list

# format, lints and the quick tests: under three minutes
check *FILTERS:
    .ci/check {{FILTERS}}

# everything that must hold before a change lands: about half an hour
gate:
    .ci/run

# one room of the suite, such as spec, mcp::tasks or jobs::kill_loop
test ROOM *MORE:
    cargo test --workspace --test suite -- {{ROOM}} {{MORE}}

# the suite, as on a system of which nothing is known but POSIX
portable *FILTERS:
    cargo test --workspace --features portable --test suite -- {{FILTERS}}

# the budgets; `just bench --list` shows the groups
bench *GROUPS:
    cargo bench --bench budgets -- {{GROUPS}}

# so many seconds with each fuzz target, or with those that are named
fuzz SECONDS="20" *TARGETS:
    fuzz/search {{SECONDS}} {{TARGETS}}
