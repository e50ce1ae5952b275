//! Who holds what in each state of a job: looked at in every situation that the search of [`super::life`] can come to.

use super::life::SMALL;
use super::life_world::{At, Scope, Supervisor, World};
use super::search;
use crate::spec::actors::{Actors, Sightings};

const RESOURCES: [&str; 3] = ["job_lock", "slot", "fence"];

#[test]
fn a_job_holds_what_the_table_says() {
    let quiet = Scope { looks_twice: false, ..SMALL };
    let scopes = [
        Scope { crashes: 2, ..quiet },
        Scope { resumes: 1, timeouts: true, ..quiet },
        Scope { cancel: true, ..quiet },
        Scope { cancel: true, successors: Some(1), ..quiet },
    ];
    let always = Actors::load().tables.0.into_iter().flat_map(|(_, table)| table.always).collect::<Vec<_>>();
    let (mut supervised, mut alone) = (Sightings::default(), Sightings::default());
    for scope in scopes {
        search::visit(World::new(&scope), &scope, |world| {
            for rule in &always {
                let applies = rule.r#where.iter().all(|what| is_there(world, what));
                assert!(!applies || is_there(world, &rule.held), "{}: {world:#?}", rule.means);
            }
            let Some(state) = world.state() else { return };
            let living = || world.supervisors.iter().filter(|supervisor| supervisor.lives());
            let sightings = match living().next() {
                None => &mut alone,
                Some(_) if living().any(|supervisor| works(supervisor)) => &mut supervised,
                Some(_) => return,
            };
            for resource in RESOURCES {
                sightings.see(state.name(), resource, is_there(world, resource));
            }
        });
    }
    supervised.compare("job");
    alone.compare("job_alone");
}

/// Whether it has read the record, and has not left.
fn works(supervisor: &Supervisor) -> bool {
    !matches!(supervisor.at, At::Absent | At::Name | At::Read | At::Leave)
}

/// Whether it is held, or there.
fn is_there(world: &World, what: &str) -> bool {
    let mut living = world.supervisors.iter().filter(|supervisor| supervisor.lives());
    match what {
        "job_lock" => !world.locked_by.is_empty(),
        "slot" => living.any(|supervisor| supervisor.has_slot),
        "fence" => world.worker.is_some(),
        "supervisor" => living.next().is_some(),
        "child" => world.worker.is_some_and(|worker| !worker.orphan),
        other => panic!("the search knows of no `{other}`"),
    }
}
