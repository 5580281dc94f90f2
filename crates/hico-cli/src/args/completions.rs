use clap::Args;

#[derive(Debug, Args)]
#[command(after_help = "Example: hico completions bash > ~/.local/share/bash-completion/completions/hico")]
pub(crate) struct CompletionsArgs {
    /// The shell
    pub(crate) shell: clap_complete::Shell,
}
