import QuintetCheckpoints
import QuintetFiles
import QuintetTensors
import Testing

/// Archives of torch.save: what they hold, to the last bit.
@Suite struct PyTorchTests {
    static let shared: String? = {
        let package = Folder.parent(of: Folder.parent(of: Folder.parent(of: #filePath)))
        let place = package + "/../shared/data/weights"
        return Folder.isFolder(place) ? place : nil
    }()

    /// File, tensors, and the SHA-256 over all of them as PyTorch reads them: name, type, shape, then the bytes.
    static let real = [
        ("burn-mnist/mnist.pt", 20, "f1bd66f58339214472042599cad1061bbd082f8c0c6954861541e4629432a6cb"),
        ("ddpm-mnist/ddpm_mnist_augmentation.pth", 29, "ac907eaa7b1b11cf39b72e540a2b261641ec31120f98eb7b80dbb145c9e86972"),
        ("ddpm-mnist/ddpm_mnist_starter.pth", 29, "37c6a853831bffc79c31c97208065096087ada9724c77af10185c9b7d6261275"),
        ("protwave-dhfr/DHFR_model.pth", 103, "fabbd9319b5dd0b3231a1ecf897e8cd3671ae3d110b0ed27defb5b63cce83f54"),
        ("resnet-cifar10/resnet20-12fca82f.th", 97, "c389eb3fe22491117415939cc04ace7c5df9c53b42183c1a020b4c0a68612296"),
        ("resnet-cifar10/resnet32-d509ac18.th", 157, "5be9b37cc0f8eba19fc83398f610479efb069fedf927e98708180bcb791891a2"),
        ("taef2/taef2_decoder.pth", 79, "16aa5ed1782ff719e9bad501ac025215fabadc6a8e50d507fca9530c5ec1d153"),
        ("taef2/taef2_encoder.pth", 79, "69a0225e015ef8ac21d50b29b32c4f3f6c74dcf5ecc903e8ca105b60cc26128b"),
        ("taef2/taesana_encoder.pth", 69, "e2a38e7908a88400ea098540a3c2ef44c3e12e800dd43b94f69705ee195c8f17"),
    ]

    @Test(.enabled(if: shared != nil, "the reference data in ../shared is not here"), arguments: real)
    func realFiles(name: String, count: Int, digest: String) throws {
        let file = try PyTorchFile.open(try #require(Self.shared) + "/" + name)
        #expect(file.tensors.count == count)
        #expect(try Self.digest(file) == digest)
    }

    static func digest(_ file: PyTorchFile) throws -> String {
        var stream = SHA256Stream()
        for (index, tensor) in file.tensors.enumerated() {
            stream.update("\(tensor.name) \(tensor.type) \(tensor.shape)\n")
            stream.update(try file.bytes(at: index).bytes)
        }
        return stream.hex
    }

    private func open(_ bytes: [UInt8], _ body: (PyTorchFile) throws -> Void) throws {
        try withFolder { folder in
            writePlain(folder + "/x.pt", bytes)
            try body(try PyTorchFile.open(folder + "/x.pt"))
        }
    }

    @Test func stridesAndOffsets() throws {
        let zip = ZipBytes(pickle: Pickle.one([3, 2], [1, 3]), storages: [("0", sixFloats)])
        try open(zip.bytes) { file in
            #expect(file.tensors.map(\.name) == ["x"] && file.tensors[0].type == "F32" && file.tensors[0].shape == [3, 2])
            let floats = try file.tensor(at: 0).floats
            #expect(floats == [0, 3, 1, 4, 2, 5])
        }
        try open(ZipBytes(pickle: Pickle.one(offset: Pickle.int(2), [2], [3]), storages: [("0", sixFloats)]).bytes) { file in
            let floats = try file.tensor(at: 0).floats
            #expect(floats == [2, 5])
        }
        try open(ZipBytes(pickle: Pickle.one([0, 3], [3, 1]), storages: [("0", sixFloats)]).bytes) { file in
            let count = try file.tensor(at: 0).count
            #expect(count == 0)
        }
        try open(ZipBytes(pickle: Pickle.one(offset: Pickle.long(5), [], []), storages: [("0", sixFloats)]).bytes) { file in
            let floats = try file.tensor(at: 0).floats
            #expect(floats == [5])
        }
        // Every element the same: more elements than the storage has are refused, as many are fine.
        try open(ZipBytes(pickle: Pickle.one([2, 3], [0, 0]), storages: [("0", sixFloats)]).bytes) { file in
            let floats = try file.tensor(at: 0).floats
            #expect(floats == [0, 0, 0, 0, 0, 0])
        }
    }

    @Test func nestedSharedAndNamed() throws {
        let storage = Pickle.storage("FloatStorage", "0", 6)
        let inner = Pickle.dictionary([(Pickle.text("a"), Pickle.tensor(storage, [6], [1])), (Pickle.text("b"), Pickle.tensor(storage, [2], [1]))])
        let pickle = Pickle.whole(
            Pickle.dictionary([
                (Pickle.text("epoch"), Pickle.int(7)), (Pickle.text("note"), Pickle.text("hi")), (Pickle.text("state_dict"), inner),
                (Pickle.int(3), Pickle.tuple([Pickle.tensor(storage, [1], [1]), [0x4E]])),
            ]))
        try open(ZipBytes(pickle: pickle, storages: [("0", sixFloats)]).bytes) { file in
            #expect(file.tensors.map(\.name) == ["state_dict.a", "state_dict.b", "3.0"])
            #expect(file.scalars["epoch"] == 7 && file.scalars["note"] == "hi")
        }
    }

    @Test func anOrderedDictionaryAndItsAttributes() throws {
        // OrderedDict() with SETITEM, then BUILD {"_metadata": OrderedDict()}.
        let body = Pickle.ordered + Pickle.text("w") + Pickle.tensor(Pickle.storage("FloatStorage", "0", 6), [6], [1]) + [0x73]
        let pickle = Pickle.whole(body + Pickle.dictionary([(Pickle.text("_metadata"), Pickle.ordered)]) + [0x62])
        try open(ZipBytes(pickle: pickle, storages: [("0", sixFloats)]).bytes) { #expect($0.tensors.map(\.name) == ["w"]) }
    }

    @Test func largeArchivesAndComments() throws {
        var zip = ZipBytes(pickle: Pickle.one(), storages: [("0", sixFloats)])
        zip.zip64 = 3
        try open(zip.bytes) { file in
            let floats = try file.tensor(at: 0).floats
            #expect(floats == [0, 1, 2, 3, 4, 5])
        }
        zip.zip64 = nil
        zip.comment = Array("made by hand".utf8)
        try open(zip.bytes) { #expect($0.tensors.count == 1) }
    }

    @Test func whatIsBesideModelsWeightsLoads() throws {
        try withFolder { folder in
            writePlain(folder + "/pytorch_model.bin", ZipBytes(pickle: Pickle.one(), storages: [("0", sixFloats)]).bytes)
            let names = try WeightFolder.open(folder).names
            #expect(names == ["x"])
        }
        try withFolder { folder in
            for name in ["a", "b"] {
                let pickle = Pickle.whole(Pickle.dictionary([(Pickle.text(name), Pickle.tensor(Pickle.storage("FloatStorage", "0", 6), [6], [1]))]))
                writePlain(folder + "/\(name).bin", ZipBytes(pickle: pickle, storages: [("0", sixFloats)]).bytes)
            }
            let index: JSON = ["metadata": ["total_size": 48], "weight_map": ["a": "a.bin", "b": "b.bin"]]
            try AtomicFile.write(folder + "/pytorch_model.bin.index.json", index)
            #expect(try WeightFolder.open(folder).names == ["a", "b"])
            try AtomicFile.write(folder + "/pytorch_model.bin.index.json", ["weight_map": ["a": "a.bin", "b": "../b.bin"]] as JSON)
            #expect(throws: FileError.self) { try WeightFolder.open(folder) }
        }
    }
}
