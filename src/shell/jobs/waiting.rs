//! Waiting for the end of a job, and what is told meanwhile.

use std::time::Duration;

use super::Jobs;
use crate::machines::ids::JobId;
use crate::machines::look_pace::LookPace;
use crate::shell::clock;
use crate::shell::leash::{News, OnNews};
use crate::shell::record::Record;
use crate::shell::store::StoreError;

/// The longest wait of one round of [`Jobs::to_the_end`], an hour: a moment that far away can always be computed.
const FOLLOW: Duration = Duration::from_secs(3_600);

impl Jobs {
    /// Waits for the end of a job, at most `patience`. The second value says whether it came. Sleeps until the
    /// kernel reports a change; looks once a second as well.
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
        let mut pace = LookPace::NEW;
        loop {
            let looked = clock::monotonic();
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
            let news = News::standing(&record, place);
            if news.is_some() && news != told {
                news.iter().for_each(&mut *on_news);
                told = news;
            }
            let news = async {
                watch.changed().await;
                if let Some(pause_ms) = pace.pause_after(looked.until(clock::monotonic())) {
                    tokio::time::sleep(Duration::from_millis(pause_ms)).await;
                }
            };
            // Asked as well, because news that is there at once is no time out.
            if tokio::time::timeout_at(give_up, news).await.is_err() || tokio::time::Instant::now() >= give_up {
                return Ok((record, false));
            }
        }
    }
}
