/// Phrases that pages repeat around their text, in English.
enum Boilerplate {
    /// A heading over links or offers rather than text.
    static func isHeading(_ text: ArraySlice<UInt8>) -> Bool {
        guard text.count < 60 else { return false }
        let words = plain(text)
        if begins(words, more), words.count < 40 { return true }
        return headings.contains { begins(words, $0) && (words.count == $0.count || words[$0.count] == 32 && words.count < $0.count + 16) }
    }

    /// A line that offers something rather than tells.
    static func isLine(_ text: ArraySlice<UInt8>) -> Bool {
        if isMarkup(text) { return true }
        guard text.count < 160 else { return false }
        let words = plain(text)
        return words.count < 140 && lines.contains { begins(words, $0) } || whole.contains(ByteKey(words[...]))
    }

    private static func begins(_ text: [UInt8], _ words: [UInt8]) -> Bool {
        text.count >= words.count && text.first == words.first && words.indices.allSatisfy { text[$0] == words[$0] }
    }

    /// An address alone, or tags that were written as text.
    private static func isMarkup(_ text: ArraySlice<UInt8>) -> Bool {
        text.first == 0x3C && text.last == 0x3E || text.first == 0x68 && text.starts(with: "http".utf8) && !text.contains(32)
    }

    /// Letters and digits in small letters, one space between words.
    private static func plain(_ text: ArraySlice<UInt8>) -> [UInt8] {
        var out: [UInt8] = []
        out.reserveCapacity(text.count)
        for byte in text {
            if byte >= 0x80 || (byte | 32) &- 97 < 26 || byte &- 48 < 10 {
                out.append(byte &- 65 < 26 ? byte | 32 : byte)
            } else if byte != 0x27, out.last != 32, !out.isEmpty {
                out.append(32)
            }
        }
        while out.last == 32 { out.removeLast() }
        return out
    }

    private static let more = Array("more ".utf8)

    private static let headings = [
        "related", "related articles", "related stories", "related posts", "related content", "related topics", "related news", "related links", "recommended", "recommended for you", "more from", "more on", "more stories",
        "more news", "read more", "read next", "see also", "you may also like", "you might also like", "most read", "most popular", "trending", "popular", "comments", "leave a comment", "leave a reply", "join the conversation",
        "share this", "share", "follow us", "subscribe", "newsletter", "sign up", "about the author", "advertisement", "sponsored", "tags", "topics", "up next", "latest", "latest news", "top stories", "editors picks", "also read", "don t miss", "dont miss",
    ].map { Array($0.utf8) }

    private static let lines = [
        "read more", "also read", "related", "read also", "see also", "sign up for", "subscribe to", "follow us on", "click here", "share this", "share on", "advertisement", "story continues below", "article continues below",
        "photo by", "photo ", "photograph by", "image ", "credit ", "picture ","image credit", "photo credit", "image source", "this article was originally published", "copyright 20", "all rights reserved", "download the", "get the latest", "for more information visit", "watch the video", "loading",
        "continue reading", "this website uses cookies", "we use cookies", "by continuing to use", "by continuing to browse", "like this story", "reach the reporter", "citation", "recommended", "more from", "get our", "join our", "like us on", "print this", "email this", "tap here", "scroll down",
    ].map { Array($0.utf8) }

    private static let whole = Set([
        "share", "tweet", "email", "print", "comments", "comment", "advertisement", "ad", "close", "more", "next", "previous", "back", "loading", "facebook", "twitter", "pinterest", "linkedin", "whatsapp", "reddit", "save", "menu",
        "search", "top", "tags", "sponsored", "video", "photos", "gallery", "published", "updated", "by", "photo", "reply", "report", "follow", "sign in", "log in", "register", "subscribe", "copy link", "skip", "play", "pause",
    ].map { ByteKey($0) })
}
