//! Waiting for the end of a job, and what is told meanwhile.

use std::time::{Duration, Instant};

use super::Jobs;
use crate::machines::ids::JobId;
use crate::machines::job::Status;
use crate::shell::leash::{News, OnNews};
use crate::shell::record::Record;
use crate::shell::store::StoreError;

/// How long a job is followed without a break; then it is followed again.
const FOLLOW: Duration = Duration::from_secs(3_600);
/// A look may bring the next news itself, where no supervisor can be started for want of processes say. So many looks may
/// follow each other at once (the end of a run closes four files), then there is a pause between them.
const QUICK_LOOKS: u32 = 8;
/// How long.
const LOOK_PAUSE: Duration = Duration::from_millis(50);

impl Jobs {
    /// Waits for the end of a job, at most `patience`. The second value says whether it came. Nobody is asked meanwhile:
    /// the kernel tells when the job's supervisor leaves.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn wait(&self, id: JobId, patience: Duration) -> Result<(Record, bool), StoreError> {
        self.wait_telling(id, patience, &mut |_| {}).await
    }

    /// Waits for the end of a job, however long that takes, with what happens meanwhile.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn to_the_end(&self, id: JobId, on_news: OnNews<'_>) -> Result<Record, StoreError> {
        loop {
            if let (record, true) = self.wait_telling(id, FOLLOW, on_news).await? {
                return Ok(record);
            }
        }
    }

    /// As [`Self::wait`], with what happens meanwhile.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn wait_telling(
        &self,
        id: JobId,
        patience: Duration,
        on_news: OnNews<'_>,
    ) -> Result<(Record, bool), StoreError> {
        let mut told = None;
        let give_up = tokio::time::Instant::now() + patience;
        // Before the first look: an end between look and watch would be missed.
        let mut watch = self.watch(&id);
        let mut quick_looks = 0;
        loop {
            let looked = Instant::now();
            let jobs = self.clone();
            let read = tokio::task::spawn_blocking(move || {
                let record = jobs.read(&id)?;
                let place = jobs.place(&record);
                Ok::<_, StoreError>((record, place))
            });
            let (record, place) = read.await.map_err(|_| StoreError::NotFound(id))??;
            if record.status.is_terminal() {
                return Ok((record, true));
            }
            let news = standing(&record, place);
            if news.is_some() && news != told {
                news.iter().for_each(&mut *on_news);
                told = news;
            }
            let news = async {
                watch.changed().await;
                quick_looks = if looked.elapsed() < LOOK_PAUSE { quick_looks + 1 } else { 0 };
                if quick_looks > QUICK_LOOKS {
                    tokio::time::sleep(LOOK_PAUSE).await;
                }
            };
            // Asked as well, because news that is there at once is no time out.
            if tokio::time::timeout_at(give_up, news).await.is_err() || tokio::time::Instant::now() >= give_up {
                return Ok((record, false));
            }
        }
    }
}

/// Where a job stands, as its supervisor would tell it.
fn standing(record: &Record, place: Option<usize>) -> Option<News> {
    match (place, &record.activity) {
        (Some(place), _) => Some(News::Queued(place)),
        (None, Some(activity)) => Some(News::Progress { text: activity.line(), activity: activity.clone() }),
        (None, None) => (record.status == Status::Running).then_some(News::Started),
    }
}
