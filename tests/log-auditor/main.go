// Command log-auditor checks a transparency log with nothing of Airtight: the packages tlog and note of Go's checksum
// database client (golang.org/x/mod/sumdb) do the hashing, the proofs, the tiles and the signature. It is given the address
// of the log's static files and, from elsewhere, the verifier key.
//
//	log-auditor https://example/ledger/ <verifier key> [checkpoint kept from an earlier visit]
//
// It reads every entry and every tile, and ends with 1 and the name of the first file that is wrong.
package main

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const (
	tileHeight = 8
	tileWidth  = 1 << tileHeight
	// Of a larger log, this many entries and sizes, evenly spread.
	proofsMax = 500
)

func main() {
	if len(os.Args) < 3 || len(os.Args) > 4 {
		fail("usage", fmt.Errorf("log-auditor URL VKEY [CHECKPOINT]"))
	}
	verifier, err := note.NewVerifier(os.Args[2])
	check("verifier key", err)
	log := &log{url: strings.TrimSuffix(os.Args[1], "/") + "/", tiles: map[string][]byte{}}
	text, err := log.get("checkpoint")
	check("checkpoint", err)
	tree, err := openCheckpoint(text, verifier)
	check("checkpoint", err)
	hashes := log.readEntries(tree)
	log.checkTiles(tree, hashes)
	inclusions := log.proveEntries(tree, hashes)
	consistencies := log.proveGrowth(tree, hashes)
	if len(os.Args) == 4 {
		kept, err := os.ReadFile(os.Args[3])
		check(os.Args[3], err)
		old, err := openCheckpoint(kept, verifier)
		check(os.Args[3], err)
		log.proveExtension(os.Args[3], tree, old)
	}
	fmt.Printf("size %d, %d files, %d inclusion proofs, %d consistency proofs\n", tree.N, log.files, inclusions, consistencies)
}

func fail(what string, err error) {
	fmt.Fprintf(os.Stderr, "%s: %v\n", what, err)
	os.Exit(1)
}

func check(what string, err error) {
	if err != nil {
		fail(what, err)
	}
}

// openCheckpoint verifies the signature and reads origin, size and root (c2sp.org/tlog-checkpoint).
func openCheckpoint(text []byte, verifier note.Verifier) (tlog.Tree, error) {
	opened, err := note.Open(text, note.VerifierList(verifier))
	if err != nil {
		return tlog.Tree{}, err
	}
	lines := strings.Split(opened.Text, "\n")
	if len(lines) < 4 || lines[0] != verifier.Name() {
		return tlog.Tree{}, fmt.Errorf("not a checkpoint of %s: %q", verifier.Name(), opened.Text)
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil || size < 0 || lines[1] != strconv.FormatInt(size, 10) {
		return tlog.Tree{}, fmt.Errorf("size %q", lines[1])
	}
	root, err := tlog.ParseHash(lines[2])
	return tlog.Tree{N: size, Hash: root}, err
}

// log is the log at an address, and what was read of it.
type log struct {
	url   string
	files int
	tiles map[string][]byte
}

func (l *log) get(path string) ([]byte, error) {
	response, err := http.Get(l.url + path)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s", response.Status)
	}
	if err == nil {
		l.files++
	}
	return body, err
}

// place is a tile's path in a log of c2sp.org/tlog-tiles: that of the checksum database without its height.
func place(t tlog.Tile) string {
	return "tile/" + strings.TrimPrefix(t.Path(), fmt.Sprintf("tile/%d/", tileHeight))
}

// bundle is the path of the entries whose hashes are in a tile of level 0.
func bundle(t tlog.Tile) string {
	return "tile/entries/" + strings.TrimPrefix(place(t), "tile/0/")
}

// tilesOf lists the tiles of a log of this size; the library of 2022 lists every partial width on the way there too.
func tilesOf(size int64) []tlog.Tile {
	var last []tlog.Tile
	for _, t := range tlog.NewTiles(tileHeight, 0, size) {
		if n := len(last); n > 0 && last[n-1].L == t.L && last[n-1].N == t.N {
			last[n-1] = t
		} else {
			last = append(last, t)
		}
	}
	return last
}

// memory holds the hashes that were computed from the entries.
type memory []tlog.Hash

func (m memory) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	hashes := make([]tlog.Hash, len(indexes))
	for i, index := range indexes {
		if index >= int64(len(m)) {
			return nil, fmt.Errorf("hash %d is not there", index)
		}
		hashes[i] = m[index]
	}
	return hashes, nil
}

// readEntries hashes every entry and holds the root over them against the checkpoint.
func (l *log) readEntries(tree tlog.Tree) memory {
	var hashes memory
	var index int64
	for _, t := range tilesOf(tree.N) {
		if t.L > 0 {
			continue
		}
		path := bundle(t)
		data, err := l.get(path)
		check(path, err)
		for i := 0; i < t.W; i++ {
			if len(data) < 2 || len(data) < 2+int(binary.BigEndian.Uint16(data)) {
				fail(path, fmt.Errorf("entry %d is cut off", index))
			}
			end := 2 + int(binary.BigEndian.Uint16(data))
			stored, err := tlog.StoredHashes(index, data[2:end], hashes)
			check(path, err)
			hashes = append(hashes, stored...)
			data = data[end:]
			index++
		}
		if len(data) > 0 {
			fail(path, fmt.Errorf("%d bytes after the last entry", len(data)))
		}
	}
	root := tlog.Hash(sha256.Sum256(nil))
	if tree.N > 0 {
		var err error
		root, err = tlog.TreeHash(tree.N, hashes)
		check("entries", err)
	}
	if root != tree.Hash {
		fail("entries", fmt.Errorf("lead to root %v, the checkpoint says %v", root, tree.Hash))
	}
	return hashes
}

// checkTiles holds every tile against the hashes of the entries.
func (l *log) checkTiles(tree tlog.Tree, hashes memory) {
	for _, t := range tilesOf(tree.N) {
		data, err := l.get(place(t))
		check(place(t), err)
		expected, err := tlog.ReadTileData(t, hashes)
		check(place(t), err)
		if string(data) != string(expected) {
			fail(place(t), fmt.Errorf("does not hold the hashes of the entries"))
		}
		l.tiles[place(t)] = data
	}
}

// The log as a tlog.TileReader: proofs are made from what was served, and authenticated by the root alone.
func (l *log) Height() int { return tileHeight }

func (l *log) SaveTiles([]tlog.Tile, [][]byte) {}

func (l *log) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	data := make([][]byte, len(tiles))
	for i, t := range tiles {
		served, ok := l.tiles[place(t)]
		if !ok {
			return nil, fmt.Errorf("%s is not a file of this log", place(t))
		}
		data[i] = served
	}
	return data, nil
}

func step(size int64) int64 {
	return 1 + size/proofsMax
}

// proveEntries proves that entries are in the tree, from the tiles.
func (l *log) proveEntries(tree tlog.Tree, hashes memory) int {
	count := 0
	for index := int64(0); index < tree.N; index += step(tree.N) {
		proof, err := tlog.ProveRecord(tree.N, index, tlog.TileHashReader(tree, l))
		check("inclusion", err)
		leaf := hashes[tlog.StoredHashIndex(0, index)]
		check("inclusion", tlog.CheckRecord(proof, tree.N, tree.Hash, index, leaf))
		count++
	}
	return count
}

// proveGrowth proves that the tree grew out of smaller ones, from the tiles.
func (l *log) proveGrowth(tree tlog.Tree, hashes memory) int {
	count := 0
	for size := int64(1); size <= tree.N; size += step(tree.N) {
		root, err := tlog.TreeHash(size, hashes)
		check("consistency", err)
		l.proveExtension("consistency", tree, tlog.Tree{N: size, Hash: root})
		count++
	}
	return count
}

func (l *log) proveExtension(what string, tree tlog.Tree, old tlog.Tree) {
	if old.N == 0 {
		return
	}
	if old.N > tree.N {
		fail(what, fmt.Errorf("covers %d entries, the log has %d", old.N, tree.N))
	}
	proof, err := tlog.ProveTree(tree.N, old.N, tlog.TileHashReader(tree, l))
	check(what, err)
	check(what, tlog.CheckTree(proof, tree.N, tree.Hash, old.N, old.Hash))
}
