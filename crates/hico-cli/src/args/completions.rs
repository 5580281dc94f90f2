use clap::Args;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  hico completions bash > ~/.local/share/bash-completion/completions/hico
  hico completions zsh > ~/.zfunc/_hico")]
pub(crate) struct CompletionsArgs {
    /// Print the script for this shell
    pub(crate) shell: clap_complete::Shell,
}
