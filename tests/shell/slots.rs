//! The limit for the machine, with real locks, processes and deaths.

use std::cell::Cell;
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::rc::Rc;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use agent_dispatch::shell::slots::{self, Slot, SlotRequest};
use tempfile::TempDir;

/// Longer than anything here takes, also on a busy machine.
const LIMIT: Duration = Duration::from_secs(60);
const DEPTH: u32 = 1;

fn request(jobs: &TempDir, label: &str) -> SlotRequest {
    SlotRequest::new(jobs.path(), DEPTH, label).unwrap()
}

fn granted(request: &mut SlotRequest, limit: usize) -> Slot {
    let slot = request.try_grant(limit).unwrap();
    slot.unwrap_or_else(|| panic!("not granted at place {:?}", request.place()))
}

fn waiting(jobs: &TempDir) -> Vec<String> {
    slots::waiting(jobs.path(), DEPTH).unwrap()
}

/// Asks until it is granted, as fast as it can.
fn soon(request: &mut SlotRequest, limit: usize) -> Slot {
    let give_up = Instant::now() + LIMIT;
    loop {
        if let Some(slot) = request.try_grant(limit).unwrap() {
            return slot;
        }
        assert!(Instant::now() < give_up, "never granted; place {:?}", request.place());
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Waits as a supervisor does: asleep between wake-ups and looks.
async fn wait(request: &mut SlotRequest, limit: usize) -> Slot {
    loop {
        if let Some(slot) = request.try_grant(limit).unwrap() {
            return slot;
        }
        let look_again = request.look_again();
        drop(tokio::time::timeout(look_again, request.woken()).await);
    }
}

fn on_one_thread<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    tokio::task::LocalSet::new().block_on(&runtime, async { tokio::time::timeout(LIMIT, future).await.unwrap() })
}

//= S-1 S-2
#[test]
fn two_hundred_wait_and_five_run_in_the_order_of_their_arrival() {
    let jobs = TempDir::new().unwrap();
    let order = Rc::new(RefCell::new(Vec::new()));
    let (running, most) = (Rc::new(Cell::new(0)), Rc::new(Cell::new(0)));
    on_one_thread(async {
        let mut tasks = Vec::new();
        for number in 0..200 {
            let mut request = request(&jobs, &format!("job-{number}"));
            let (order, running, most) = (Rc::clone(&order), Rc::clone(&running), Rc::clone(&most));
            tasks.push(tokio::task::spawn_local(async move {
                let slot = wait(&mut request, 5).await;
                order.borrow_mut().push(number);
                running.set(running.get() + 1);
                most.set(most.get().max(running.get()));
                tokio::time::sleep(Duration::from_millis(number % 7)).await;
                running.set(running.get() - 1);
                drop(slot);
            }));
        }
        for task in tasks {
            task.await.unwrap();
        }
    });
    assert_eq!(*order.borrow(), (0..200).collect::<Vec<_>>());
    assert_eq!(most.get(), 5);
    assert_eq!(waiting(&jobs), Vec::<String>::new());
}

//= S-6
#[test]
fn leaving_wakes_the_next_and_nobody_else() {
    let jobs = TempDir::new().unwrap();
    on_one_thread(async {
        let slot = granted(&mut request(&jobs, "holder"), 1);
        let mut requests = ["first", "second", "third"].map(|label| request(&jobs, label));
        for (index, request) in requests.iter_mut().enumerate() {
            assert!(request.try_grant(1).unwrap().is_none());
            assert_eq!(request.place(), Some(index + 1));
        }
        let [mut first, mut second, mut third] = requests;
        drop(slot);
        first.woken().await;
        assert!(tokio::time::timeout(Duration::from_millis(20), second.woken()).await.is_err(), "woken for nothing");
        let slot = granted(&mut first, 1);
        second.woken().await;
        assert!(second.try_grant(1).unwrap().is_none());
        // One who gives up wakes the one behind as well.
        assert!(tokio::time::timeout(Duration::from_millis(20), third.woken()).await.is_err(), "woken for nothing");
        drop(second);
        third.woken().await;
        assert!(third.try_grant(1).unwrap().is_none());
        assert_eq!(third.place(), Some(1));
        drop(slot);
        third.woken().await;
        drop(granted(&mut third, 1));
    });
}

/// A predecessor that enters before it ever had to wait has no line of its own to close.
//= S-6
#[test]
fn one_who_enters_at_the_first_look_wakes_who_came_and_looked_before() {
    let jobs = TempDir::new().unwrap();
    on_one_thread(async {
        let (mut first, mut second) = (request(&jobs, "first"), request(&jobs, "second"));
        assert!(second.try_grant(2).unwrap().is_none());
        let slot = granted(&mut first, 2);
        second.woken().await;
        drop(granted(&mut second, 2));
        drop(slot);
    });
}

//= S-4
#[test]
fn depths_are_apart() {
    let jobs = TempDir::new().unwrap();
    let mut parents: Vec<Slot> = Vec::new();
    for depth in 1..=5 {
        let mut request = SlotRequest::new(jobs.path(), depth, "nested").unwrap();
        parents.push(granted(&mut request, 1));
        let mut second = SlotRequest::new(jobs.path(), depth, "beside").unwrap();
        assert!(second.try_grant(1).unwrap().is_none());
    }
}

//= S-1
#[test]
fn a_changed_limit_counts_at_the_next_grant() {
    let jobs = TempDir::new().unwrap();
    assert_eq!(slots::limit(jobs.path()), None);
    slots::set_limit(jobs.path(), 3).unwrap();
    let mut held: Vec<Slot> = (0..3).map(|_| granted(&mut request(&jobs, "early"), 3)).collect();
    let mut next = request(&jobs, "next");
    assert!(next.try_grant(slots::limit(jobs.path()).unwrap()).unwrap().is_none());
    slots::set_limit(jobs.path(), 4).unwrap();
    held.push(granted(&mut next, slots::limit(jobs.path()).unwrap()));
    slots::set_limit(jobs.path(), 2).unwrap();
    let mut last = request(&jobs, "last");
    while held.len() > 1 {
        assert!(last.try_grant(slots::limit(jobs.path()).unwrap()).unwrap().is_none(), "{} hold", held.len());
        held.pop();
    }
    drop(granted(&mut last, slots::limit(jobs.path()).unwrap()));
    // Nothing would ever run under a limit of nothing.
    held.clear();
    drop(granted(&mut request(&jobs, "any"), 0));
}

#[test]
fn nonsense_in_the_limit_is_no_limit() {
    let jobs = TempDir::new().unwrap();
    slots::set_limit(jobs.path(), 3).unwrap();
    for text in ["", "many", "-1", "99999999999999999999999999"] {
        std::fs::write(jobs.path().join(".slots/limit"), text).unwrap();
        assert_eq!(slots::limit(jobs.path()), None, "{text}");
    }
}

//= S-8
#[test]
fn a_lost_counter_lets_nobody_overtake() {
    let jobs = TempDir::new().unwrap();
    let counter = jobs.path().join(".slots/1/counter");
    let holder = granted(&mut request(&jobs, "holder"), 1);
    let mut requests = vec![request(&jobs, "0")];
    let damages: [&dyn Fn(); 4] = [
        &|| std::fs::remove_file(&counter).unwrap(),
        &|| std::fs::write(&counter, "").unwrap(),
        &|| std::fs::write(&counter, "not a number, and longer than any number could ever be").unwrap(),
        &|| std::fs::write(&counter, [0xff; 50]).unwrap(),
    ];
    for (number, damage) in damages.into_iter().enumerate() {
        damage();
        requests.push(request(&jobs, &(number + 1).to_string()));
    }
    assert_eq!(waiting(&jobs), ["0", "1", "2", "3", "4"]);
    drop(holder);
    for request in &mut requests {
        drop(granted(request, 1));
    }
}

#[test]
fn who_lost_its_ticket_takes_another() {
    let jobs = TempDir::new().unwrap();
    let slot = granted(&mut request(&jobs, "holder"), 1);
    let mut request = request(&jobs, "unlucky");
    assert!(request.try_grant(1).unwrap().is_none());
    drop(slot);
    std::fs::remove_dir_all(jobs.path().join(".slots")).unwrap();
    drop(soon(&mut request, 1));
}

#[test]
fn strange_files_are_left_alone_and_in_nobodys_way() {
    let jobs = TempDir::new().unwrap();
    drop(request(&jobs, "first"));
    let queue = jobs.path().join(".slots/1/queue");
    let strange =
        ["notes.txt", "1.job", "00000000000000000001", "00000000000000000001.a b", "0000000000000000000x.job"];
    for name in strange {
        std::fs::write(queue.join(name), "").unwrap();
    }
    std::fs::create_dir(queue.join("00000000000000000000.directory")).unwrap();
    drop(granted(&mut request(&jobs, "second"), 1));
    assert_eq!(std::fs::read_dir(&queue).unwrap().count(), strange.len() + 1);
}

#[test]
fn a_label_is_part_of_a_file_name() {
    let jobs = TempDir::new().unwrap();
    for label in ["", ".", "..", "a/b", "a.b", "a b", "\0", "ä", &"x".repeat(65)] {
        assert!(SlotRequest::new(jobs.path(), DEPTH, label).is_err(), "{label:?}");
    }
    for label in ["a", "job_1-B", &"x".repeat(64)] {
        drop(request(&jobs, label));
    }
}

#[test]
fn everything_is_for_its_owner_only() {
    let jobs = TempDir::new().unwrap();
    let _slot = granted(&mut request(&jobs, "holder"), 1);
    let mut waiter = request(&jobs, "waiter");
    let mut behind = request(&jobs, "behind");
    assert!(waiter.try_grant(1).unwrap().is_none() && behind.try_grant(1).unwrap().is_none());
    let mut seen = 0;
    let mut directories = vec![jobs.path().join(".slots")];
    while let Some(directory) = directories.pop() {
        assert_eq!(std::fs::metadata(&directory).unwrap().permissions().mode() & 0o777, 0o700, "{directory:?}");
        for entry in std::fs::read_dir(&directory).unwrap().map(Result::unwrap) {
            seen += 1;
            if entry.file_type().unwrap().is_dir() {
                directories.push(entry.path());
            } else {
                assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o077, 0, "{:?}", entry.path());
            }
        }
    }
    assert!(seen >= 9, "{seen}");
}

//= S-3 S-5
#[test]
fn a_killed_holder_is_not_counted() {
    let jobs = TempDir::new().unwrap();
    let mut holder = Process::start(jobs.path(), "holder", 1);
    holder.expect("granted");
    let mut request = request(&jobs, "waiter");
    assert!(request.try_grant(1).unwrap().is_none());
    assert_eq!(std::fs::read_dir(jobs.path().join(".slots/1/held")).unwrap().count(), 1);
    holder.kill();
    // Its lock is free when it is gone: not a moment later.
    let slot = granted(&mut request, 1);
    assert_eq!(std::fs::read_dir(jobs.path().join(".slots/1/held")).unwrap().count(), 1);
    drop(slot);
}

//= S-3 S-5
#[test]
fn killed_waiters_are_not_waited_for() {
    let jobs = TempDir::new().unwrap();
    let slot = granted(&mut request(&jobs, "holder"), 1);
    let mut first = Process::start(jobs.path(), "first", 1);
    let mut second = Process::start(jobs.path(), "second", 1);
    let mut third = Process::start(jobs.path(), "third", 1);
    let mut last = request(&jobs, "last");
    assert!(last.try_grant(1).unwrap().is_none());
    assert_eq!(last.place(), Some(4));
    second.kill();
    first.kill();
    drop(slot);
    third.expect("granted");
    assert!(last.try_grant(1).unwrap().is_none());
    assert_eq!((waiting(&jobs), last.place()), (vec!["last".to_owned()], Some(1)));
    third.leave();
    drop(soon(&mut last, 1));
}

/// The one behind is asleep for longer than this test lasts, were it not woken.
//= S-3 S-6
#[test]
fn a_death_wakes_the_one_behind() {
    let jobs = TempDir::new().unwrap();
    on_one_thread(async {
        let slot = granted(&mut request(&jobs, "holder"), 1);
        let mut first = Process::start(jobs.path(), "first", 1);
        first.expect("waits");
        let mut second = request(&jobs, "second");
        assert!(second.try_grant(1).unwrap().is_none());
        first.kill();
        second.woken().await;
        assert!(second.try_grant(1).unwrap().is_none());
        assert_eq!(second.place(), Some(1));
        drop(slot);
    });
}

#[test]
fn a_ticket_is_handed_over_with_its_place() {
    let jobs = TempDir::new().unwrap();
    let slot = granted(&mut request(&jobs, "holder"), 1);
    let lent = request(&jobs, "lent");
    let mut behind = request(&jobs, "behind");
    let mut process = Process::inherit(jobs.path(), "lent", 1, lent.lend().unwrap());
    lent.hand_over();
    assert_eq!(waiting(&jobs), ["lent", "behind"]);
    assert!(behind.try_grant(1).unwrap().is_none());
    assert_eq!(behind.place(), Some(2));
    drop(slot);
    process.expect("granted");
    assert!(behind.try_grant(1).unwrap().is_none());
    process.kill();
    drop(granted(&mut behind, 1));
}

#[test]
fn a_ticket_that_nobody_took_over_is_dead() {
    let jobs = TempDir::new().unwrap();
    let lent = request(&jobs, "lent");
    drop(lent.lend().unwrap());
    lent.hand_over();
    drop(granted(&mut request(&jobs, "behind"), 1));
    assert_eq!(waiting(&jobs), Vec::<String>::new());
}

//= S-1
#[test]
fn a_run_that_is_adopted_counts_again() {
    let jobs = TempDir::new().unwrap();
    let mut request = request(&jobs, "next");
    let slot = Slot::regain(jobs.path(), DEPTH, "adopted").unwrap();
    assert!(request.try_grant(1).unwrap().is_none());
    drop(slot);
    drop(granted(&mut request, 1));
}

/// A file that is not the ticket of that name brings no place.
#[test]
fn nobody_inherits_what_is_not_its_own() {
    let jobs = TempDir::new().unwrap();
    let (early, _late) = (request(&jobs, "early"), request(&jobs, "late"));
    assert!(SlotRequest::inherited(jobs.path(), DEPTH, "thief", early.lend().unwrap()).unwrap().is_none());
    let other = File::open("/dev/null").unwrap();
    assert!(SlotRequest::inherited(jobs.path(), DEPTH, "early", other).unwrap().is_none());
    assert_eq!(waiting(&jobs), ["early", "late"]);
}

/// Every process counts who is inside while it is inside itself.
//= S-1 S-5
#[test]
fn processes_that_come_and_go_and_die_never_exceed_the_limit() {
    let jobs = TempDir::new().unwrap();
    let inside = jobs.path().join("inside");
    std::fs::create_dir(&inside).unwrap();
    let mut processes: Vec<Process> = (0..8).map(|n| Process::rounds(jobs.path(), &format!("p{n}"), 3, 40)).collect();
    // Three of them die at some moment, of which two may be inside: what they left does not count.
    for process in &mut processes[..3] {
        process.expect("granted");
        process.kill();
    }
    let dead: BTreeSet<String> = (0..3).map(|n| format!("p{n}")).collect();
    for process in &mut processes[3..] {
        process.expect("done");
    }
    for process in &processes {
        assert!(process.crowds.iter().all(|crowd| crowd.difference(&dead).count() <= 3), "{:?}", process.crowds);
    }
    drop(soon(&mut request(&jobs, "last"), 1));
    assert_eq!(waiting(&jobs), Vec::<String>::new());
    assert_eq!(std::fs::read_dir(jobs.path().join(".slots/1/held")).unwrap().count(), 0);
}

/// A process that asks for a slot: this binary, running the test at the end of this file.
struct Process {
    child: Child,
    stdin: Option<ChildStdin>,
    said: Receiver<String>,
    crowds: Vec<BTreeSet<String>>,
}

impl Process {
    fn start(jobs: &Path, label: &str, limit: usize) -> Self {
        let mut process = Self::with(jobs, label, limit, 1, Stdio::null());
        process.expect("queued");
        process
    }

    fn inherit(jobs: &Path, label: &str, limit: usize, ticket: File) -> Self {
        let mut process = Self::with(jobs, label, limit, 1, Stdio::from(ticket));
        process.expect("queued");
        process
    }

    fn rounds(jobs: &Path, label: &str, limit: usize, rounds: usize) -> Self {
        Self::with(jobs, label, limit, rounds, Stdio::null())
    }

    fn with(jobs: &Path, label: &str, limit: usize, rounds: usize, stderr: Stdio) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--ignored", "--exact", "--nocapture", "shell::slots::an_asker_in_a_process_of_its_own"])
            .env("SLOTS_JOBS", jobs)
            .env("SLOTS_LABEL", label)
            .env("SLOTS_LIMIT", limit.to_string())
            .env("SLOTS_ROUNDS", rounds.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(stderr)
            .spawn()
            .unwrap();
        let (sender, said) = channel();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        std::thread::spawn(move || {
            for line in stdout.lines().map_while(Result::ok) {
                if let Some((_, word)) = line.split_once("asker: ") {
                    drop(sender.send(word.to_owned()));
                }
            }
        });
        let stdin = child.stdin.take();
        Self { child, stdin, said, crowds: Vec::new() }
    }

    fn expect(&mut self, wanted: &str) {
        loop {
            let word = self.said.recv_timeout(LIMIT).unwrap_or_else(|error| panic!("never said {wanted}: {error}"));
            if let Some(crowd) = word.strip_prefix("inside ") {
                self.crowds.push(crowd.split(' ').map(str::to_owned).collect());
            }
            if word == wanted {
                return;
            }
        }
    }

    /// SIGKILL, and gone.
    fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    fn leave(&mut self) {
        self.stdin = None;
        assert!(self.child.wait().unwrap().success());
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

#[test]
#[ignore = "started by the other tests as a process of its own"]
fn an_asker_in_a_process_of_its_own() {
    let variable = |name: &str| std::env::var(name).unwrap_or_else(|_| panic!("{name} says what this process does"));
    let (jobs, label) = (variable("SLOTS_JOBS"), variable("SLOTS_LABEL"));
    let (limit, rounds): (usize, usize) =
        (variable("SLOTS_LIMIT").parse().unwrap(), variable("SLOTS_ROUNDS").parse().unwrap());
    let say = |word: &str| {
        let mut out = std::io::stdout().lock();
        out.write_all(format!("\nasker: {word}\n").as_bytes()).unwrap();
        out.flush().unwrap();
    };
    let ticket = File::from(std::io::stderr().as_fd().try_clone_to_owned().unwrap());
    let inherited = SlotRequest::inherited(Path::new(&jobs), DEPTH, &label, ticket).unwrap();
    let mut request = inherited.unwrap_or_else(|| SlotRequest::new(Path::new(&jobs), DEPTH, &label).unwrap());
    say("queued");
    if rounds == 1 {
        if let Some(slot) = request.try_grant(limit).unwrap() {
            say("granted");
            std::io::stdin().read_to_end(&mut Vec::new()).unwrap();
            return drop(slot);
        }
        say("waits");
        let _slot = on_one_thread(wait(&mut request, limit));
        say("granted");
        std::io::stdin().read_to_end(&mut Vec::new()).unwrap();
        return;
    }
    let inside = Path::new(&jobs).join("inside");
    for round in 1..=rounds {
        let slot = on_one_thread(wait(&mut request, limit));
        std::fs::write(inside.join(&label), "").unwrap();
        say("granted");
        let names = std::fs::read_dir(&inside).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        say(&format!("inside {}", names.collect::<Vec<_>>().join(" ")));
        std::fs::remove_file(inside.join(&label)).unwrap();
        drop(slot);
        if round < rounds {
            request = SlotRequest::new(Path::new(&jobs), DEPTH, &label).unwrap();
        }
    }
    say("done");
}
