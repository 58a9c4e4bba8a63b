import HTTPTypes
import Crypto
import Hummingbird
import NIOCore

/// The chat page at `/`: one file, nothing loaded from elsewhere. Where the server asks for keys, a small page asks for one and then becomes it.
///
/// Styles and scripts are named by their hashes in the content security policy, so nothing that a model writes can run.
enum ChatPage {
    static let path = "/"
    static let routes: [Route] = [.get(path, "The chat page.", .key) { _ in page(html) }]

    /// What a browser gets that has no key yet, with status 401.
    static var keyPage: Response { page(keyHTML) }

    private static func page(_ html: String) -> Response {
        var response = Response.text(ByteBuffer(string: html), type: "text/html; charset=utf-8")
        response.headers[.contentSecurityPolicy] = policy
        return response
    }

    static let html = document(style, markup, script)
    private static let keyHTML = document(style + keyStyle, keyMarkup, keyScript)

    private static func document(_ style: String, _ markup: String, _ script: String) -> String {
        """
        <!doctype html>
        <html lang="en">
        <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <title>Quintet</title>
        <link rel="icon" href="data:,">
        <style>\(style)</style>
        </head>
        <body>
        \(markup)
        <script>\(script)</script>
        </body>
        </html>

        """
    }

    /// One for both: the page that asks for a key becomes the other one and keeps its policy.
    private static let policy =
        "default-src 'none'; style-src '\(hash(style))' '\(hash(style + keyStyle))'; script-src '\(hash(script))' '\(hash(keyScript))'; "
        + "connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

    private static func hash(_ text: String) -> String {
        let digest = Array(Crypto.SHA256.hash(data: Array(text.utf8)))
        return "sha256-" + base64(digest)
    }
}
