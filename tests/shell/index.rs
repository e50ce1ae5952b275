//! What a store remembers of its records is never older than the last change of them.

use agent_dispatch::machines::ids::JobId;
use agent_dispatch::machines::job::Status;
use agent_dispatch::machines::summary::Filter;
use agent_dispatch::shell::record::Record;
use agent_dispatch::shell::store::Store;
use proptest::prelude::*;

const JOBS: u8 = 6;
const STATES: [Status; 5] = [Status::Pending, Status::Running, Status::Done, Status::Failed, Status::Cancelled];

#[derive(Debug, Clone)]
enum Change {
    /// Written anew, by a process that knows nothing of the one that remembers.
    Write {
        job: u8,
        state: usize,
        agent: u8,
        created: u8,
    },
    Remove(u8),
    Nonsense(u8),
    /// The directory looks as if nothing had happened for long.
    Age,
    Look,
}

fn changes() -> impl Strategy<Value = Vec<Change>> {
    let write = (0..JOBS, 0..STATES.len(), 0..2_u8, 0..4_u8).prop_map(|(job, state, agent, created)| Change::Write {
        job,
        state,
        agent,
        created,
    });
    let change = prop_oneof![
        4 => write,
        1 => (0..JOBS).prop_map(Change::Remove),
        1 => (0..JOBS).prop_map(Change::Nonsense),
        2 => Just(Change::Age),
        4 => Just(Change::Look),
    ];
    proptest::collection::vec(change, 1..30)
}

fn id(job: u8) -> JobId {
    JobId::from_bytes([job; 16])
}

/// What a store says that remembers nothing.
fn fresh(directory: &std::path::Path, filter: &Filter) -> Vec<JobId> {
    let store = Store::new(directory.to_path_buf());
    let mut found = store.ids().filter_map(|id| store.summary(&id).ok()).collect::<Vec<_>>();
    found.retain(|summary| filter.matches(summary));
    found.sort_by(|a, b| b.created_at.total_cmp(&a.created_at).then_with(|| a.id.cmp(&b.id)));
    found.iter().map(|summary| summary.id).collect()
}

fn filters() -> Vec<Filter> {
    let mut filters = vec![Filter::default(), Filter { agent: Some("a1".into()), ..Filter::default() }];
    filters.extend(STATES.map(|state| Filter { status: Some(state), ..Filter::default() }));
    filters
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]
    #[test]
    fn remembers_no_more_than_there_is(changes in changes()) {
        let directory = tempfile::tempdir().unwrap();
        let (remembers, writes) =
            (Store::new(directory.path().to_path_buf()), Store::new(directory.path().to_path_buf()));
        // A terminal record never changes.
        let mut terminal = [false; JOBS as usize];
        for change in changes {
            match change {
                Change::Write { job, state, agent, created } if !terminal[usize::from(job)] => {
                    terminal[usize::from(job)] = STATES[state].is_terminal();
                    let record = Record {
                        status: STATES[state],
                        created_at: f64::from(created),
                        ..Record::pending(id(job), &format!("a{agent}"), "t")
                    };
                    writes.write_finished(&record).unwrap();
                }
                Change::Remove(job) => {
                    drop(std::fs::remove_file(directory.path().join(id(job).file_name())));
                    terminal[usize::from(job)] = false;
                }
                Change::Nonsense(job) => {
                    // As an editor does it: another file in the place of the one that is there.
                    std::fs::write(directory.path().join("new"), "{").unwrap();
                    std::fs::rename(directory.path().join("new"), directory.path().join(id(job).file_name())).unwrap();
                    terminal[usize::from(job)] = false;
                }
                Change::Age => {
                    let before = std::time::SystemTime::now() - std::time::Duration::from_secs(60);
                    let known = std::fs::metadata(directory.path()).unwrap().modified().unwrap();
                    // Each time another one, as each change has one that no change before it had.
                    let aged = before.min(known) - std::time::Duration::from_secs(1);
                    std::fs::File::open(directory.path()).unwrap().set_modified(aged).unwrap();
                }
                Change::Write { .. } | Change::Look => {}
            }
            for filter in filters() {
                let seen = remembers.matching(&filter).iter().map(|found| found.id).collect::<Vec<_>>();
                prop_assert_eq!(seen, fresh(directory.path(), &filter), "{:?}", filter);
            }
        }
    }
}
