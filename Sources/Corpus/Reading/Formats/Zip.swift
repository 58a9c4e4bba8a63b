internal import QuintetFiles

extension SourceFormat {
    /// ZIP archives are told apart (spreadsheets, word processors' files and e-books are some, too), and refused with the way to read them.
    static let zip = SourceFormat(name: "zip", endings: ["zip"], recognizes: { $0.starts(with: [0x50, 0x4B, 3, 4]) }) {
        input, _ throws(FileError) in
        throw FileError(
            "ZIP archives are not read", path: input.name, expected: "a folder, or a .tar",
            hint: "unzip it and gather the folder; of .docx, .xlsx and .epub save the text as .txt, .csv or .html")
    }
}
