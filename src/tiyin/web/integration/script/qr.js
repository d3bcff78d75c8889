// A QR code of bytes (ISO/IEC 18004): byte mode, versions 1 to 40, error correction level M, or L where M has
// no room. The result is a list of rows of 0 and 1, without the quiet zone.

// By level, then by version: check words in a block, and blocks.
var LEVELS = [
  {
    // M
    bits: 0,
    checks: [
      10, 16, 26, 18, 24, 16, 18, 22, 22, 26, 30, 22, 22, 24, 24, 28, 28, 26, 26, 26, 26, 28, 28, 28, 28,
      28, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28
    ],
    blocks: [
      1, 1, 1, 2, 2, 4, 4, 4, 5, 5, 5, 8, 9, 9, 10, 10, 11, 13, 14, 16, 17, 17, 18, 20, 21, 23, 25, 26,
      28, 29, 31, 33, 35, 37, 38, 40, 43, 45, 47, 49
    ]
  },
  {
    // L
    bits: 1,
    checks: [
      7, 10, 15, 20, 26, 18, 20, 24, 30, 18, 20, 24, 26, 30, 22, 24, 28, 30, 28, 28, 28, 28, 30, 30, 26,
      28, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30
    ],
    blocks: [
      1, 1, 1, 1, 1, 2, 2, 2, 2, 4, 4, 4, 4, 4, 6, 6, 6, 6, 7, 8, 8, 9, 9, 10, 12, 12, 12, 13, 14, 15,
      16, 17, 18, 19, 19, 20, 21, 22, 24, 25
    ]
  }
];

// The field of 256 elements in which Reed-Solomon's check words are counted.
var POWERS = [];
var LOGS = [];
(function () {
  for (var i = 0, x = 1; i < 255; i++) {
    POWERS[i] = x;
    LOGS[x] = i;
    x = x & 128 ? (x << 1) ^ 285 : x << 1;
  }
})();

function times(a, b) {
  return a && b ? POWERS[(LOGS[a] + LOGS[b]) % 255] : 0;
}

function generatorOf(count) {
  var generator = [1];
  for (var i = 0; i < count; i++) {
    var next = [];
    for (var j = 0; j <= generator.length; j++) {
      next[j] = (generator[j] || 0) ^ times(generator[j - 1] || 0, POWERS[i]);
    }
    generator = next;
  }
  return generator;
}

function checksOf(block, generator) {
  var rest = block.slice();
  var i;
  for (i = 1; i < generator.length; i++) rest.push(0);
  for (i = 0; i < block.length; i++) {
    var factor = rest[i];
    for (var j = 1; factor && j < generator.length; j++) rest[i + j] ^= times(generator[j], factor);
  }
  return rest.slice(block.length);
}

// Where the centres of the small squares stand, along either side.
function alignmentsOf(version) {
  if (version === 1) return [];
  var count = Math.floor(version / 7) + 2;
  // Version 32 is the standard's one exception to even steps.
  var step = version === 32 ? 26 : Math.ceil((version * 4 + 4) / (count * 2 - 2)) * 2;
  var places = [];
  for (var i = 0, at = version * 4 + 10; i < count - 1; i++, at -= step) places.unshift(at);
  places.unshift(6);
  return places;
}

// How many words of eight bits, data and checks, a version holds.
function wordsOf(version) {
  var modules = (16 * version + 128) * version + 64;
  if (version > 1) {
    var count = Math.floor(version / 7) + 2;
    modules -= (25 * count - 10) * count - 55;
    if (version > 6) modules -= 36;
  }
  return modules >> 3;
}

// The smallest version that holds so many bytes, or null where none does.
function versionFor(length) {
  for (var l = 0; l < LEVELS.length; l++) {
    for (var version = 1; version <= 40; version++) {
      var checks = LEVELS[l].checks[version - 1];
      var blocks = LEVELS[l].blocks[version - 1];
      var room = wordsOf(version) - checks * blocks;
      if (length + (version < 10 ? 2 : 3) <= room) {
        return { number: version, bits: LEVELS[l].bits, checks: checks, blocks: blocks, room: room };
      }
    }
  }
  return null;
}

// The words as they stand in the code: cut into blocks, checked, and dealt out in turn.
function interleaved(bytes, version) {
  var bits = [];
  var push = function (value, length) {
    while (length--) bits.push((value >> length) & 1);
  };
  push(4, 4);
  push(bytes.length, version.number < 10 ? 8 : 16);
  for (var i = 0; i < bytes.length; i++) push(bytes[i], 8);
  push(0, Math.min(4, version.room * 8 - bits.length));
  push(0, (8 - (bits.length % 8)) % 8);
  for (var filler = 236; bits.length < version.room * 8; filler ^= 253) push(filler, 8);

  var words = [];
  for (i = 0; i < bits.length; i += 8) words.push(parseInt(bits.slice(i, i + 8).join(""), 2));

  var generator = generatorOf(version.checks);
  var short = Math.floor(version.room / version.blocks);
  var shorts = version.blocks - (version.room % version.blocks);
  var data = [];
  var checks = [];
  for (var b = 0, from = 0; b < version.blocks; b++) {
    var length = short + (b < shorts ? 0 : 1);
    data.push(words.slice(from, from + length));
    checks.push(checksOf(data[b], generator));
    from += length;
  }
  return dealt(data, short + 1).concat(dealt(checks, version.checks));
}

function dealt(blocks, length) {
  var words = [];
  for (var i = 0; i < length; i++) {
    for (var b = 0; b < blocks.length; b++) {
      if (i < blocks[b].length) words.push(blocks[b][i]);
    }
  }
  return words;
}

// A code without data: `rows` of modules, and in `fixed` those that belong to the pattern.
function patternOf(version) {
  var size = version * 4 + 17;
  var rows = [];
  var fixed = [];
  var i;
  var j;
  for (i = 0; i < size; i++) {
    rows.push([]);
    fixed.push([]);
    for (j = 0; j < size; j++) rows[i][j] = fixed[i][j] = 0;
  }
  var set = function (row, column, dark) {
    if (row < 0 || column < 0 || row >= size || column >= size) return;
    rows[row][column] = dark ? 1 : 0;
    fixed[row][column] = 1;
  };
  // Rings around a centre; `light` is the ring that is not dark, beside the outer one.
  var square = function (row, column, radius, light) {
    for (var y = -radius; y <= radius; y++) {
      for (var x = -radius; x <= radius; x++) {
        var ring = Math.max(Math.abs(x), Math.abs(y));
        set(row + y, column + x, ring !== light && ring !== 4);
      }
    }
  };
  for (i = 0; i < size; i++) {
    set(6, i, i % 2 === 0);
    set(i, 6, i % 2 === 0);
  }
  square(3, 3, 4, 2);
  square(3, size - 4, 4, 2);
  square(size - 4, 3, 4, 2);
  var places = alignmentsOf(version);
  var last = places.length - 1;
  for (i = 0; i <= last; i++) {
    for (j = 0; j <= last; j++) {
      var corner = (i === 0 && j === 0) || (i === 0 && j === last) || (i === last && j === 0);
      if (!corner) square(places[i], places[j], 2, 1);
    }
  }
  if (version > 6) {
    var told = (version << 12) | remainder(version, 12, 7973);
    for (i = 0; i < 18; i++) {
      set(Math.floor(i / 3), size - 11 + (i % 3), (told >> i) & 1);
      set(size - 11 + (i % 3), Math.floor(i / 3), (told >> i) & 1);
    }
  }
  var pattern = { size: size, rows: rows, fixed: fixed, set: set };
  setFormat(pattern, 0);
  return pattern;
}

// The remainder of a small number, moved up by so many bits, by a polynomial.
function remainder(value, bits, polynomial) {
  var rest = value << bits;
  for (var bit = 30; bit >= bits; bit--) {
    if (rest >> bit) rest ^= (rest >> bit) & 1 ? polynomial << (bit - bits) : 0;
  }
  return rest;
}

// Level and mask, written twice around the big squares.
function setFormat(pattern, format) {
  var told = ((format << 10) | remainder(format, 10, 1335)) ^ 21522;
  var size = pattern.size;
  for (var i = 0; i < 15; i++) {
    var dark = (told >> i) & 1;
    pattern.set(i < 6 ? i : i < 8 ? i + 1 : size - 15 + i, 8, dark);
    pattern.set(8, i < 8 ? size - 1 - i : i < 9 ? 7 : 14 - i, dark);
  }
  pattern.set(size - 8, 8, 1);
}

// Lays the words in, two columns at a time, up and down in turn.
function lay(pattern, words) {
  var at = 0;
  for (var right = pattern.size - 1, up = true; right > 0; right -= 2, up = !up) {
    if (right === 6) right = 5;
    for (var i = 0; i < pattern.size; i++) {
      var row = up ? pattern.size - 1 - i : i;
      for (var column = right; column > right - 2; column--) {
        if (!pattern.fixed[row][column]) {
          pattern.rows[row][column] = (words[at >> 3] >> (7 - (at & 7))) & 1;
          at++;
        }
      }
    }
  }
}

var MASKS = [
  function (y, x) { return (y + x) % 2; },
  function (y) { return y % 2; },
  function (y, x) { return x % 3; },
  function (y, x) { return (y + x) % 3; },
  function (y, x) { return (Math.floor(y / 2) + Math.floor(x / 3)) % 2; },
  function (y, x) { return ((y * x) % 2) + ((y * x) % 3); },
  function (y, x) { return (((y * x) % 2) + ((y * x) % 3)) % 2; },
  function (y, x) { return (((y + x) % 2) + ((y * x) % 3)) % 2; }
];

function flip(pattern, mask) {
  for (var y = 0; y < pattern.size; y++) {
    for (var x = 0; x < pattern.size; x++) {
      if (!pattern.fixed[y][x] && !MASKS[mask](y, x)) pattern.rows[y][x] ^= 1;
    }
  }
}

// How hard a code is to read, by the standard's four rules.
function penaltyOf(rows) {
  var size = rows.length;
  var penalty = 0;
  var dark = 0;
  for (var y = 0; y < size; y++) {
    var across = "";
    var down = "";
    for (var x = 0; x < size; x++) {
      dark += rows[y][x];
      across += rows[y][x];
      down += rows[x][y];
      if (y && x) {
        var four = rows[y][x] + rows[y - 1][x] + rows[y][x - 1] + rows[y - 1][x - 1];
        if (four % 4 === 0) penalty += 3;
      }
    }
    penalty += penaltyOfLine(across) + penaltyOfLine(down);
  }
  return penalty + 10 * Math.floor(Math.abs((dark * 20) / (size * size) - 10));
}

function penaltyOfLine(line) {
  var penalty = 0;
  var runs = line.match(/0{5,}|1{5,}/g) || [];
  for (var i = 0; i < runs.length; i++) penalty += runs[i].length - 2;
  // What looks like a big square, with light on either side; light goes on beyond the edge.
  var wide = "0000" + line + "0000";
  for (var at = wide.indexOf("1011101"); at >= 0; at = wide.indexOf("1011101", at + 1)) {
    if (wide.substr(at - 4, 4) === "0000") penalty += 40;
    if (wide.substr(at + 7, 4) === "0000") penalty += 40;
  }
  return penalty;
}

// The code of a list of bytes, or null where there are too many; `mask` is chosen unless it is given.
function qrOf(bytes, mask) {
  var version = versionFor(bytes.length);
  if (!version) return null;
  var pattern = patternOf(version.number);
  lay(pattern, interleaved(bytes, version));
  var best = mask;
  if (best === undefined) {
    for (var i = 0, least = Infinity; i < 8; i++) {
      flip(pattern, i);
      setFormat(pattern, (version.bits << 3) | i);
      var penalty = penaltyOf(pattern.rows);
      if (penalty < least) {
        least = penalty;
        best = i;
      }
      flip(pattern, i);
    }
  }
  flip(pattern, best);
  setFormat(pattern, (version.bits << 3) | best);
  return { rows: pattern.rows, version: version.number, level: version.bits ? "L" : "M", mask: best };
}
