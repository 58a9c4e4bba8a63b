import HTTPTypes
import Crypto
import Hummingbird
import NIOCore

/// The chat page at `/`: one file, nothing loaded from elsewhere.
///
/// Its style and script are named by their hashes in the content security policy, so nothing that a model writes can run.
enum ChatPage {
    static let routes: [Route] = [
        .get("/", "The chat page.", .open) { _ in
            var response = Response.text(ByteBuffer(string: html), type: "text/html; charset=utf-8")
            response.headers[.contentSecurityPolicy] = policy
            return response
        }
    ]

    static let html = """
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

    private static let policy =
        "default-src 'none'; style-src '\(hash(style))'; script-src '\(hash(script))'; connect-src 'self'; img-src data:; base-uri 'none'; "
        + "form-action 'none'; frame-ancestors 'none'"

    private static func hash(_ text: String) -> String {
        let digest = Array(Crypto.SHA256.hash(data: Array(text.utf8)))
        return "sha256-" + base64(digest)
    }
}
