//! Work on paths that may hang.
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use agent_dispatch::config::threads::each;

use crate::support::until;

/// Long enough for threads that do nothing, on a busy machine too.
const AMPLE: Duration = Duration::from_secs(60);

/// What hangs until it is let go.
#[derive(Default)]
struct Gate {
    open: Mutex<bool>,
    opened: Condvar,
}

impl Gate {
    fn pass(&self) {
        drop(self.opened.wait_while(self.open.lock().unwrap(), |open| !*open).unwrap());
    }

    fn open(&self) {
        *self.open.lock().unwrap() = true;
        self.opened.notify_all();
    }
}

#[test]
fn what_hangs_costs_its_own_answer_and_is_not_tried_again_until_it_comes_back() {
    // More than the threads it begins with, none of them the last ones: the others must be done by further threads.
    let paths: Vec<PathBuf> = (0..12).map(|index| PathBuf::from(format!("/hangs/{index}"))).collect();
    let hangs = |index: usize| index < 3;
    let (gate, tried) = (Arc::new(Gate::default()), Arc::new(Mutex::new(Vec::new())));
    let look = |budget| {
        let (gate, tried, hanging) = (Arc::clone(&gate), Arc::clone(&tried), paths[..3].to_vec());
        each(paths.clone(), budget, move |path| {
            tried.lock().unwrap().push(path.to_path_buf());
            if hanging.iter().any(|hanging| hanging == path) {
                gate.pass();
            }
            path.to_path_buf()
        })
    };
    let expected = |all: bool| -> Vec<Option<PathBuf>> {
        let answered = |index: usize| all || !hangs(index);
        paths.iter().enumerate().map(|(index, path)| answered(index).then(|| path.clone())).collect()
    };
    assert_eq!(look(Duration::from_secs(5)), expected(false));
    // Nothing is waited for now: what hangs is known.
    tried.lock().unwrap().clear();
    assert_eq!(look(AMPLE), expected(false));
    assert_eq!(tried.lock().unwrap().len(), paths.len() - 3);
    gate.open();
    until("all to be tried again", || (look(AMPLE) == expected(true)).then_some(()));
}
