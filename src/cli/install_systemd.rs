use std::{fs, path::PathBuf};

use super::{CliError, Context, Exit, install::Job};

/// Print systemd units with timers for the present configuration, hardened
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The user that the commands run as
    #[arg(long, default_value = "bouncekit")]
    user: String,
    /// Write them into this folder (/etc/systemd/system) instead
    #[arg(long, short, value_name = "FOLDER")]
    output: Option<PathBuf>,
}

pub(crate) fn run(context: &mut Context, args: &Args) -> Result<Exit, CliError> {
    for job in Job::all(context)? {
        let units = [
            (
                format!("{}.service", job.name),
                service(context, &job, &args.user),
            ),
            (format!("{}.timer", job.name), timer(&job)),
        ];
        for (name, text) in units {
            if let Some(folder) = &args.output {
                let path = folder.join(&name);
                fs::write(&path, text).map_err(|cause| CliError::file(&path, &cause))?;
                println!("{}", path.display());
            } else {
                println!("# {name}\n{text}");
            }
        }
    }
    Ok(Exit::Done)
}

fn service(context: &Context, job: &Job, user: &str) -> String {
    let config = &context.config;
    let absolute = |path| std::path::absolute(path).ok();
    let mut writes =
        vec![absolute(&config.store.path).and_then(|file| Some(file.parent()?.into()))];
    if config.webhook.url.is_some() || !config.provider.is_empty() {
        writes.push(absolute(&config.webhook.spool));
    }
    let mut data = String::new();
    for folder in writes.into_iter().flatten() {
        data += &format!("ReadWritePaths={}\n", folder.display());
    }
    format!(
        "[Unit]\n\
         Description=bouncekit: {}\n\
         Wants=network-online.target\n\
         After=network-online.target\n\
         \n\
         [Service]\n\
         Type=oneshot\n\
         User={user}\n\
         ExecStart={}\n\
         # Another run holds the lock: it does the work.\n\
         SuccessExitStatus=4\n\
         UMask=0077\n\
         {data}\
         ProtectSystem=strict\n\
         ProtectHome=read-only\n\
         PrivateTmp=yes\n\
         PrivateDevices=yes\n\
         NoNewPrivileges=yes\n\
         ProtectKernelTunables=yes\n\
         ProtectKernelModules=yes\n\
         ProtectControlGroups=yes\n\
         RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX\n\
         RestrictNamespaces=yes\n\
         LockPersonality=yes\n\
         MemoryDenyWriteExecute=yes\n\
         SystemCallFilter=@system-service\n\
         CapabilityBoundingSet=\n",
        job.what, job.command
    )
}

fn timer(job: &Job) -> String {
    format!(
        "[Unit]\n\
         Description=bouncekit: {}\n\
         \n\
         [Timer]\n\
         OnCalendar={}\n\
         RandomizedDelaySec=30\n\
         Persistent=yes\n\
         \n\
         [Install]\n\
         WantedBy=timers.target\n",
        job.what, job.calendar
    )
}
