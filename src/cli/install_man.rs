use std::{fs, path::PathBuf};

use super::{CliError, Context, Exit, definition};

/// Write the manual pages, one a command, into a folder (of MANPATH: FOLDER/man1)
#[derive(clap::Args)]
pub(crate) struct Args {
    #[arg(value_name = "FOLDER", default_value = "/usr/local/share/man/man1")]
    folder: PathBuf,
}

pub(crate) fn run(_: &mut Context, args: &Args) -> Result<Exit, CliError> {
    let folder = &args.folder;
    fs::create_dir_all(folder).map_err(|cause| CliError::file(folder, &cause))?;
    let mut command = definition();
    command.build();
    let pages = std::iter::once((command.clone(), "bouncekit".to_owned())).chain(
        // A colon in a file name is trouble on some systems.
        command
            .get_subcommands()
            .filter(|sub| sub.get_name() != "help")
            .map(|sub| {
                let name = format!("bouncekit-{}", sub.get_name().replace(':', "-"));
                (sub.clone(), name)
            }),
    );
    let mut written = 0;
    for (command, name) in pages {
        let path = folder.join(format!("{name}.1"));
        let mut page = Vec::new();
        clap_mangen::Man::new(command.name(name))
            .manual("bouncekit")
            .render(&mut page)?;
        fs::write(&path, page).map_err(|cause| CliError::file(&path, &cause))?;
        written += 1;
    }
    println!("{written} pages written to `{}`", folder.display());
    Ok(Exit::Done)
}
