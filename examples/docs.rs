//! Writes `completions/` and `man/` from the command line's definitions:
//!
//!     cargo run --example docs

#[path = "../tests/support/manual.rs"]
mod manual;

fn main() -> std::io::Result<()> {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    for (path, content) in manual::files()? {
        let path = root.join(path);
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent)?;
        }
        std::fs::write(&path, content)?;
    }
    Ok(())
}
