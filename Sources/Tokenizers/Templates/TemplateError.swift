/// Why a chat template could not be read or run.
///
/// ```swift
/// do { try template.render(input) } catch { print(error.line, error.kind, error.what) }
/// ```
public struct TemplateError: Error, Sendable, Equatable, CustomStringConvertible {
    public enum Kind: String, Sendable {
        /// The text is no template.
        case syntax
        /// A part of Jinja that chat templates do not get.
        case unsupported
        /// A value that is not there was used as if it were.
        case undefined
        /// An operation that its values do not have.
        case type
        /// The template itself refuses the conversation (`raise_exception`).
        case raised
        /// More steps, depth, output or time than the budget has.
        case limit
        /// The conversation does not go with what was asked for.
        case input
    }

    public let kind: Kind
    /// Line of the template, counted from 1; 0 where no line is to blame.
    public let line: Int
    /// One clause in plain words.
    public let what: String
    /// The file that the template lies in, where whoever sees the error may know it.
    public var file: String?

    public init(_ kind: Kind, line: Int = 0, _ what: String) {
        self.kind = kind
        self.line = line
        self.what = what
    }

    public var description: String {
        let place = (file.map { "\($0), " } ?? "") + (line > 0 ? "chat template, line \(line): " : "chat template: ")
        return place + (kind == .raised ? what : "\(what) (\(kind.rawValue))")
    }
}
