//! Files from the Hugging Face Hub at a pinned commit, or from the Hub's cache on this machine.

use std::path::Path;

use super::super::manifest::{HubSource, ModelFile};
use super::Progress;

#[cfg(not(feature = "hub"))]
pub(super) fn fetch(
    _: &HubSource,
    _: &[ModelFile],
    _: &Path,
    _: &dyn Fn(Progress<'_>),
) -> Result<(), String> {
    Err("this program was built without the feature \"hub\"".to_owned())
}

#[cfg(feature = "hub")]
pub(super) fn fetch(
    hub: &HubSource,
    files: &[ModelFile],
    folder: &Path,
    progress: &dyn Fn(Progress<'_>),
) -> Result<(), String> {
    for file in files.iter().filter(|file| !folder.join(&file.name).is_file()) {
        let path = remote::get(hub, file, progress)?;
        let cached = std::fs::File::open(&path).map_err(|e| e.to_string())?;
        super::install(file, cached, folder, &|_| ()).map_err(|e| e.to_string())?;
    }
    Ok(())
}

#[cfg(feature = "hub")]
mod remote {
    use std::path::PathBuf;
    use std::sync::mpsc;
    use std::thread;
    use std::time::Duration;

    use hf_hub::api::sync::ApiBuilder;
    use hf_hub::{Cache, Repo, RepoType};

    use super::{HubSource, ModelFile, Progress};

    /// The Hub's client has no time limits of its own: silence this long ends the attempt.
    const SILENCE: Duration = Duration::from_secs(10);

    enum Event {
        Bytes(usize),
        End(Result<PathBuf, String>),
    }

    struct Reporter(mpsc::Sender<Event>);

    impl hf_hub::api::Progress for Reporter {
        fn init(&mut self, _size: usize, _filename: &str) {}
        fn update(&mut self, size: usize) {
            let _ = self.0.send(Event::Bytes(size));
        }
        fn finish(&mut self) {}
    }

    /// The path of `file` in the Hub's cache, downloaded if need be.
    pub(super) fn get(
        hub: &HubSource,
        file: &ModelFile,
        progress: &dyn Fn(Progress<'_>),
    ) -> Result<PathBuf, String> {
        let repo = Repo::with_revision(hub.repo.clone(), RepoType::Model, hub.revision.clone());
        let cached =
            Cache::from_env().repo(repo.clone()).pointer_path(&hub.revision).join(&file.name);
        if cached.is_file() {
            return Ok(cached);
        }
        progress(Progress::Stage(&format!("{} from the Hugging Face Hub", file.name)));
        follow(&download(repo, file.name.clone()), file.bytes, progress)
    }

    /// Downloads on a thread of its own, which is left behind when the Hub falls silent.
    fn download(repo: Repo, name: String) -> mpsc::Receiver<Event> {
        let (sender, receiver) = mpsc::channel();
        thread::spawn(move || {
            let reporter = Reporter(sender.clone());
            let path = ApiBuilder::from_env()
                .with_progress(false)
                .build()
                .and_then(|api| api.repo(repo).download_with_progress(&name, reporter))
                .map_err(|error| error.to_string());
            let _ = sender.send(Event::End(path));
        });
        receiver
    }

    fn follow(
        events: &mpsc::Receiver<Event>,
        total: Option<u64>,
        progress: &dyn Fn(Progress<'_>),
    ) -> Result<PathBuf, String> {
        let mut done = 0;
        loop {
            match events.recv_timeout(SILENCE) {
                Ok(Event::Bytes(bytes)) => {
                    done += bytes as u64;
                    progress(Progress::Bytes { done, total });
                }
                Ok(Event::End(end)) => return end,
                Err(_) => return Err(format!("no answer for {} s", SILENCE.as_secs())),
            }
        }
    }
}
