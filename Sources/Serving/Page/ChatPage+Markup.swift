extension ChatPage {
    static let markup = #"""
        <header>
          <h1>Quintet</h1>
          <select id="model" aria-label="Model"></select>
          <span class="space"></span>
          <button id="new" title="New conversation">New</button>
          <button id="open-settings" aria-expanded="false" aria-controls="settings">Settings</button>
          <button id="theme" title="Light or dark" aria-label="Light or dark">◐</button>
        </header>
        <section id="settings" hidden aria-label="Settings">
          <label class="wide">System prompt <textarea id="system" rows="3" placeholder="How the model should behave"></textarea></label>
          <label>Temperature <input id="temperature" type="number" min="0" max="5" step="0.1" placeholder="model's own"></label>
          <label>Top-p <input id="top_p" type="number" min="0" max="1" step="0.05" placeholder="model's own"></label>
          <label>Tokens at most <input id="max_tokens" type="number" min="1" step="1" placeholder="512"></label>
          <label>Seed <input id="seed" type="number" step="1" placeholder="random"></label>
          <label class="wide">API key <input id="key" type="password" autocomplete="off" placeholder="only where the server asks for one"></label>
        </section>
        <main id="talk" aria-live="polite"></main>
        <footer>
          <form id="form">
            <textarea id="input" rows="1" placeholder="Write a message" aria-label="Message" autofocus></textarea>
            <button id="send" type="submit">Send</button>
            <button id="stop" type="button" hidden>Stop</button>
          </form>
          <p id="status" role="status"></p>
        </footer>
        """#
}
