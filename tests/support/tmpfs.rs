//! A file system in memory, of its own, for as long as a test needs it. Needs root.

use super::process::Run;
use super::real::program;
use super::world::World;
use std::fs;
use std::path::{Path, PathBuf};

/// It is gone when dropped.
pub struct Tmpfs(PathBuf);

impl Tmpfs {
    /// Mounts one at a path of the world, with these options of mount(8).
    #[track_caller]
    pub fn mount(world: &World, name: &str, options: &str) -> Tmpfs {
        let at = world.path(name);
        fs::create_dir_all(&at).unwrap();
        let run = Run::new(program("mount").unwrap()).args(["-t", "tmpfs", "-o", options, "tmpfs"]);
        let outcome = run.arg(&at).run();
        assert_eq!(outcome.code, Some(0), "mount: {}", outcome.err());
        Tmpfs(at)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Gives it 4 MiB.
    #[track_caller]
    pub fn grow(&self) {
        let run = Run::new(program("mount").unwrap()).args(["-o", "remount,size=4m"]);
        assert_eq!(run.arg(&self.0).run().code, Some(0));
    }
}

impl Drop for Tmpfs {
    fn drop(&mut self) {
        let _ = Run::new(program("umount").unwrap()).arg(&self.0).run();
    }
}
