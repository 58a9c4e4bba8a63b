#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif
import QuintetCheckpoints
import QuintetFiles
import QuintetTensors
import Testing

/// Row 45 of the catalogue: shards and their index.
@Suite struct WeightFolderTests {
    private func shard(_ folder: String, _ name: String, _ tensors: [String]) throws {
        try SafetensorsWriter.write(folder + "/" + name, tensors.map { SafetensorsWriter.Item($0, floats: [1, 2], [2]) })
    }

    private func index(_ folder: String, _ map: [(String, String)], total: JSON? = 24) throws {
        var weights = JSONObject()
        for (name, file) in map { weights[name] = .string(file) }
        var json: JSON = ["weight_map": .object(weights)]
        if let total { json["metadata"] = ["total_size": total] }
        try AtomicFile.write(folder + "/model.safetensors.index.json", json)
    }

    private static let good = [("a", "one.safetensors"), ("b", "two.safetensors"), ("c", "two.safetensors")]

    private func withShards(_ body: (String) throws -> Void) throws {
        try withFolder { folder in
            try shard(folder, "one.safetensors", ["a"])
            try shard(folder, "two.safetensors", ["b", "c"])
            try body(folder)
        }
    }

    @Test func opensShards() throws {
        try withShards { folder in
            try index(folder, Self.good)
            let weights = try WeightFolder.open(folder)
            #expect(weights.names == ["a", "b", "c"])
            #expect(weights.find("c")?.file.path.hasSuffix("two.safetensors") == true)
            #expect(weights.find("d") == nil)
            try index(folder, Self.good, total: nil)
            #expect(try WeightFolder.open(folder).byteCount == 24)
        }
    }

    @Test func shardsNeedNoIndexWhereAllAreThere() throws {
        try withFolder { folder in
            for number in 1...3 { try shard(folder, "model-0000\(number)-of-00003.safetensors", ["t\(number)"]) }
            try AtomicFile.write(folder + "/config.json", "{}")
            #expect(try WeightFolder.open(folder).names == ["t1", "t2", "t3"])
            unlink(folder + "/model-00002-of-00003.safetensors")
            #expect { try WeightFolder.open(folder) } throws: { "\($0)".contains("model-00002-of-00003.safetensors") && "\($0)".contains("2 of 3 shards") }
            // Two sets, or a set beside another file: nobody says which.
            try shard(folder, "model-00002-of-00003.safetensors", ["t2"])
            try shard(folder, "other.safetensors", ["o"])
            #expect { try WeightFolder.open(folder) } throws: { "\($0)".contains("no weights here") }
        }
    }

    @Test func theOnlyFileOfTensorsIsTheWeights() throws {
        try withFolder { folder in
            let archive = ZipBytes(pickle: Pickle.one(), storages: [("0", sixFloats)]).bytes
            for name in ["model.pt", "consolidated.00.pth", "weights.bin", "last.ckpt"] {
                let place = folder + "/" + name + ".folder"
                try Folder.create(place)
                try AtomicFile.write(place + "/" + name, archive)
                try AtomicFile.write(place + "/training_args.bin", "no tensors")
                try AtomicFile.write(place + "/optimizer.pt", "no tensors")
                #expect(try WeightFolder.open(place).names == ["x"], "\(name)")
                try AtomicFile.write(place + "/second.pt", archive)
                #expect(throws: FileError.self) { try WeightFolder.open(place) }
            }
        }
    }

    @Test func wrappersOfTrainingLoopsAreSeenThrough() throws {
        let map = WeightMap(["model.norm.weight" <-> "norm.weight", "lm_head.weight" <-> "head.weight"], prefix: "model.")
        try withFolder { folder in
            func names(_ tensors: [String]) throws -> [String] {
                try shard(folder, "model.safetensors", tensors)
                return try WeightFolder.open(folder).unwrapped(for: map).names.sorted()
            }
            #expect(try names(["model.norm.weight", "lm_head.weight"]) == ["lm_head.weight", "model.norm.weight"])
            #expect(try names(["norm.weight"]) == ["norm.weight"])
            for wrapper in ["module.", "state_dict.", "model.", "state_dict.module.", "model_state_dict.", "_orig_mod.", "module._orig_mod.", "_orig_mod.module."] {
                #expect(try names([wrapper + "model.norm.weight", wrapper + "lm_head.weight"]).sorted() == ["lm_head.weight", "model.norm.weight"], "\(wrapper)")
            }
            #expect(try names(["state_dict.lm_head.weight", "optimizer.state.0.exp_avg"]) == ["lm_head.weight"])
            // Unclear: two wrapped models, or a name the family does not have.
            for odd in [["module.lm_head.weight", "state_dict.lm_head.weight"], ["module.lm_head.weight", "module.banana"]] {
                #expect(try names(odd).sorted() == odd.sorted())
            }
            try shard(folder, "model.safetensors", ["module.model.norm.weight"])
            let weights = try WeightFolder.open(folder).unwrapped(for: map)
            #expect(try weights.find("model.norm.weight")?.tensor().floats == [1, 2] && weights.wrapping == "module.")
        }
    }

    @Test func refusesLies() throws {
        try withShards { folder in
            for map in [
                Self.good + [("d", "two.safetensors")], Self.good + [("d", "three.safetensors")], Array(Self.good.dropLast()),
                [("a", "two.safetensors"), ("b", "two.safetensors"), ("c", "two.safetensors")],
            ] {
                try index(folder, map)
                #expect(throws: FileError.self) { try WeightFolder.open(folder) }
            }
            for total: JSON in [25, -1, "24", 24.5] {
                try index(folder, Self.good, total: total)
                #expect(throws: FileError.self) { try WeightFolder.open(folder) }
            }
        }
    }

    @Test func refusesPathsThatLeave() throws {
        try withShards { folder in
            for path in ["../../etc/passwd", "/etc/passwd", "../one.safetensors", "sub/one.safetensors", "", ".", "..", "x.bin", "a\\b.safetensors"] {
                try index(folder, [("a", path)])
                #expect(throws: FileError.self, "\(path)") { try WeightFolder.open(folder) }
            }
        }
    }

    @Test func refusesLinksThatLeave() throws {
        try withFolder { outside in
            try shard(outside, "one.safetensors", ["a"])
            try withFolder { folder in
                symlink(outside + "/one.safetensors", folder + "/one.safetensors")
                try index(folder, [("a", "one.safetensors")], total: 8)
                #expect(throws: FileError.self) { try WeightFolder.open(folder) }
            }
        }
    }

    @Test func followsTheCachesOwnLinks() throws {
        try withFolder { cache in
            try Folder.create(cache + "/blobs")
            try Folder.create(cache + "/snapshots/main")
            try shard(cache + "/blobs", "0123", ["a"])
            symlink("../../blobs/0123", cache + "/snapshots/main/one.safetensors")
            try index(cache + "/snapshots/main", [("a", "one.safetensors")], total: 8)
            #expect(try WeightFolder.open(cache + "/snapshots/main").names == ["a"])
        }
    }

    @Test func refusesATensorInTwoShards() throws {
        try withFolder { folder in
            try shard(folder, "one.safetensors", ["a", "b"])
            try shard(folder, "two.safetensors", ["b"])
            try index(folder, [("a", "one.safetensors"), ("b", "two.safetensors")])
            #expect(throws: FileError.self) { try WeightFolder.open(folder) }
        }
    }

    @Test func saysWhatIsMissing() throws {
        try withFolder { folder in
            try AtomicFile.write(folder + "/pytorch_model.bin", "x")
            #expect { try WeightFolder.open(folder) } throws: { "\($0)".contains("pytorch_model.bin") }
        }
    }
}
