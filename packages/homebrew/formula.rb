# Made by packages/homebrew/make from its template; a change here is lost with the next version.
class AgentDispatch < Formula
  desc "@DESC@"
  homepage "@HOMEPAGE@"
  version "@VERSION@"
  license "@LICENSE@"
@ARCHIVES@
  def install
    bin.install "agent-dispatch"
    prefix.install "THIRD-PARTY-LICENSES.md"
    man1.install Dir["man/*.1"]
    bash_completion.install "completions/agent-dispatch.bash" => "agent-dispatch"
    zsh_completion.install "completions/_agent-dispatch"
    fish_completion.install "completions/agent-dispatch.fish"
  end

  def caveats
    <<~EOS
      To register the MCP server with Claude Code and create agents.yaml:
        agent-dispatch init
    EOS
  end

  test do
    assert_equal "agent-dispatch #{version}", shell_output("#{bin}/agent-dispatch --version").strip
    assert_match "The demo has left nothing behind.", shell_output("#{bin}/agent-dispatch demo")
  end
end
