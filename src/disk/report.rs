//! `-o FILE`: a report is written as a whole, so that a reader sees the old file or the new one.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// Writes a report as a whole: into a new file beside it that then takes its name. What is no regular file (a pipe,
/// `/dev/null`) is written to as it stands.
///
/// # Errors
/// The system's, with the path in its text.
pub fn write_report(path: &Path, content: &[u8]) -> io::Result<()> {
    write(path, content).map_err(|e| {
        let shown = crate::name::escape(&path.to_string_lossy());
        io::Error::new(e.kind(), format!("{shown}: the answer cannot be written there: {e}"))
    })
}

fn write(path: &Path, content: &[u8]) -> io::Result<()> {
    let target = match fs::metadata(path) {
        Ok(meta) if meta.is_file() => fs::canonicalize(path)?,
        Ok(meta) if meta.is_dir() => return Err(io::ErrorKind::IsADirectory.into()),
        Ok(_) => return OpenOptions::new().write(true).open(path)?.write_all(content),
        Err(_) => path.to_owned(),
    };
    let mode = fs::metadata(&target).ok().map(|m| m.permissions().mode() & 0o7777);
    let (temporary, mut file) = create_beside(&target)?;
    let done = file
        .write_all(content)
        .and_then(|()| mode.map_or(Ok(()), |m| file.set_permissions(fs::Permissions::from_mode(m))))
        .and_then(|()| file.sync_all())
        .and_then(|()| fs::rename(&temporary, &target));
    if done.is_err() {
        let _ = fs::remove_file(&temporary);
    }
    done
}

fn create_beside(target: &Path) -> io::Result<(PathBuf, File)> {
    let name = target.file_name().ok_or(io::ErrorKind::InvalidInput)?;
    let mut tries = 0..100_u32;
    loop {
        let number = tries.next().ok_or(io::ErrorKind::AlreadyExists)?;
        let mut temporary = std::ffi::OsString::from(".");
        temporary.push(name);
        temporary.push(format!(".{}-{number}.tmp", std::process::id()));
        let path = target.with_file_name(temporary);
        match OpenOptions::new().write(true).create_new(true).mode(0o666).open(&path) {
            Ok(file) => return Ok((path, file)),
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {}
            Err(e) => return Err(e),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replaces_a_report_keeps_its_mode_and_leaves_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("r.json");
        fs::write(&file, "old").unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
        write_report(&file, b"new").unwrap();
        assert_eq!(fs::read(&file).unwrap(), b"new");
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn writes_through_what_is_no_regular_file_and_names_what_cannot_be_written() {
        write_report(Path::new("/dev/null"), b"x").unwrap();
        let error = write_report(Path::new("/nowhere/at/all"), b"x").unwrap_err();
        assert!(error.to_string().contains("/nowhere/at/all"), "{error}");
    }
}
