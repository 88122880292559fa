"""Seeded music of one instrument, as notes and as a standard MIDI file, for `bench/domains.py`.

A piece is drawn from a generator of random numbers: instrument, tempo, key, register, loudness, how many
voices. Nothing here sounds; a soundfont does that.
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

CLASSES = ("Piano", "Drums", "Flute", "Other")

PIANOS = (0, 0, 0, 1, 1, 2, 3)
"""General MIDI programs, from 0: more grands than honky-tonks. Electric pianos (4, 5) are in no class."""

FLUTES = (73, 73, 73, 73, 72, 72, 74, 75)
"""Flute, piccolo, recorder, pan flute."""

KITS = (0, 0, 8, 16, 32, 40)
"""Standard, room, power, jazz, brushes. No electronic kits: the recipe rejects drum machines."""

OTHERS = {
    6: (41, 84, True),  # harpsichord
    11: (53, 89, True),  # vibraphone
    12: (48, 84, True),  # marimba
    16: (36, 90, True),  # drawbar organ
    19: (36, 90, True),  # church organ
    21: (48, 86, True),  # accordion
    22: (60, 90, False),  # harmonica
    24: (40, 79, True),  # nylon guitar
    25: (40, 81, True),  # steel guitar
    27: (40, 82, True),  # clean electric guitar
    30: (40, 76, True),  # distorted guitar
    32: (28, 55, False),  # double bass
    33: (28, 55, False),  # electric bass
    40: (55, 93, False),  # violin
    41: (48, 81, False),  # viola
    42: (36, 72, False),  # cello
    46: (36, 90, True),  # harp
    56: (54, 84, False),  # trumpet
    57: (40, 70, False),  # trombone
    60: (43, 74, False),  # French horn
    65: (49, 80, False),  # alto saxophone
    66: (44, 75, False),  # tenor saxophone
    68: (58, 88, False),  # oboe
    70: (36, 70, False),  # bassoon
    71: (50, 86, False),  # clarinet
    105: (48, 80, True),  # banjo
    110: (55, 90, False),  # fiddle
}
"""Lowest and highest key, and whether it plays chords."""

SCALES = ((0, 2, 4, 5, 7, 9, 11), (0, 2, 3, 5, 7, 8, 10), (0, 2, 3, 5, 7, 9, 10), (0, 2, 4, 7, 9))
STEPS = (-4, -2, -1, -1, 0, 1, 1, 2, 3)
BEATS = (0.25, 0.25, 0.5, 0.5, 0.5, 1.0, 1.0, 1.5, 2.0)

KICK, STICK, SNARE, HAT, OPEN_HAT, CRASH, RIDE = 36, 37, 38, 42, 46, 49, 51
TOMS = (41, 43, 45, 47, 48, 50)

PLAYED_S = 10.8
"""How long a piece lasts: more than a clip, which so may begin and end in the middle of a note."""

SLOT_S = 12
"""From the beginning of one piece in a MIDI file to that of the next; what rings on is cut off between."""

DRUM_CHANNEL = 9
PROGRAM, CONTROL, NOTE_ON, NOTE_OFF = 0xC0, 0xB0, 0x90, 0x80
ALL_SOUND_OFF = 120


@dataclass(frozen=True, slots=True)
class Note:
    """A key held: times in seconds from the beginning of the piece, key and velocity as in MIDI."""

    start: float
    length: float
    key: int
    velocity: int


@dataclass(frozen=True, slots=True)
class Piece:
    """What one instrument plays; a drum kit's program counts kits."""

    program: int
    drums: bool
    notes: tuple[Note, ...]


def compose(class_name: str, rng: np.random.Generator) -> Piece:
    """Music of a class, one of `CLASSES`."""
    if class_name == "Drums":
        return Piece(int(rng.choice(KITS)), True, drumming(rng))
    if class_name == "Piano":
        low, high = 28, 96
        program, chordal = int(rng.choice(PIANOS)), True
    elif class_name == "Flute":
        program, chordal = int(rng.choice(FLUTES)), False
        low, high = (72, 103) if program == 72 else (60, 94)
    else:
        program = int(rng.choice(list(OTHERS)))
        low, high, chordal = OTHERS[program]
    beat, root = 60 / rng.uniform(55, 170), int(rng.integers(12))
    degrees = SCALES[int(rng.integers(len(SCALES)))]
    scale = [key for key in range(low, high + 1) if (key - root) % 12 in degrees]
    return Piece(program, False, tonal(scale, beat, chordal, rng))


def tonal(scale: list[int], beat: float, chordal: bool, rng: np.random.Generator) -> tuple[Note, ...]:
    """A melody, chords, or both.

    Args:
        scale: the keys that may be played, rising.
        beat: seconds.
        chordal: whether the instrument plays more than one note at once.
    """
    style = rng.choice(["melody", "chords", "both"]) if chordal else "melody"
    middle = len(scale) // 2
    notes: list[Note] = []
    if style != "chords":
        notes += melody(scale[middle:] if style == "both" else scale, beat, rng)
    if style != "melody":
        notes += chords(scale[:middle] if style == "both" else scale, beat, rng)
    return tuple(notes)


def melody(scale: list[int], beat: float, rng: np.random.Generator) -> list[Note]:
    """One voice that walks up and down a scale, with rests."""
    at, loudness, held = rng.uniform(0, 0.8), rng.uniform(45, 115), rng.uniform(0.5, 1.05)
    degree = int(rng.integers(len(scale)))
    rhythm = rng.choice(BEATS, size=int(rng.integers(3, 9)))
    notes, count = [], 0
    while at < PLAYED_S:
        length = beat * rhythm[count % len(rhythm)]
        if rng.random() > 0.08:
            velocity = int(np.clip(rng.normal(loudness, 8), 20, 127))
            notes.append(Note(at, min(length * held, PLAYED_S - at), scale[degree], velocity))
        degree = int(np.clip(degree + rng.choice(STEPS), 0, len(scale) - 1))
        at, count = at + length, count + 1
    return notes


def chords(scale: list[int], beat: float, rng: np.random.Generator) -> list[Note]:
    """Two to four keys a third apart, struck together or one after the other."""
    at, loudness, voices = rng.uniform(0, 0.8), rng.uniform(45, 110), int(rng.integers(2, 5))
    broken, length = bool(rng.random() < 0.5), beat * rng.choice([1, 2, 2, 4])
    lowest = int(rng.integers(max(1, len(scale) // 2)))
    notes = []
    while at < PLAYED_S:
        root = lowest + int(rng.integers(7))
        for voice in range(voices):
            begin = at + (voice * length / voices if broken else rng.uniform(0, 0.02))
            if begin < PLAYED_S:
                key = scale[min(root + 2 * voice, len(scale) - 1)]
                velocity = int(np.clip(rng.normal(loudness, 6), 20, 127))
                notes.append(Note(begin, min(at + length - begin, PLAYED_S - begin), key, velocity))
        at += length
    return notes


def drumming(rng: np.random.Generator) -> tuple[Note, ...]:
    """A bar of sixteen steps that is repeated with changes, a solo over the toms, or a roll."""
    step = 60 / rng.uniform(65, 175) / 4
    style, loudness = rng.choice(["groove", "groove", "groove", "solo", "roll"]), rng.uniform(55, 118)
    cymbal, swing = int(rng.choice([HAT, HAT, RIDE, OPEN_HAT])), rng.uniform(0, 0.3)
    chance = np.zeros((16, 4))
    chance[::8, 0], chance[4::8, 1] = 0.95, 0.95
    chance[:, 0] += 0.15 * rng.random(16)
    chance[:, 1] += 0.2 * rng.random(16)
    chance[:: int(rng.choice([1, 2, 2, 4])), 2] = 0.95
    chance[:, 3] = 0.6 * rng.random(16) if style == "solo" else 0.03
    pattern = rng.random((16, 4)) < chance
    if style == "roll":
        pattern[:], step = [False, True, False, False], step / rng.choice([1, 2])
    start = rng.uniform(0, 0.8)
    notes = []
    for count in range(int((PLAYED_S - start - 0.1) / step)):
        at = start + step * (count + swing * (count % 2))
        if count % 64 == 0 and rng.random() < 0.5:
            notes.append(Note(at, 0.1, CRASH, 100))
        struck = pattern[count % 16] ^ (rng.random(4) < 0.04)
        drum = (
            KICK,
            STICK if style == "roll" and rng.random() < 0.1 else SNARE,
            cymbal,
            int(rng.choice(TOMS)),
        )
        for key in np.array(drum)[struck]:
            velocity = int(np.clip(rng.normal(loudness, 12), 20, 127))
            notes.append(Note(at, 0.1, int(key), velocity))
    return tuple(notes)


def midi_file(pieces: Sequence[Piece]) -> bytes:
    """The pieces one after the other, `SLOT_S` apart: a standard MIDI file of one track; a tick is 1 ms."""
    events: list[tuple[int, int, bytes]] = []
    for number, piece in enumerate(pieces):
        begin, channel = 1000 * SLOT_S * number, DRUM_CHANNEL if piece.drums else 0
        events.append((begin, 0, bytes([PROGRAM | channel, piece.program])))
        for note in piece.notes:
            on = begin + round(1000 * note.start)
            off = max(on + 1, begin + round(1000 * (note.start + note.length)))
            events.append((on, 2, bytes([NOTE_ON | channel, note.key, note.velocity])))
            events.append((off, 1, bytes([NOTE_OFF | channel, note.key, 0])))
        events.append((begin + 1000 * (SLOT_S - 1), 3, bytes([CONTROL | channel, ALL_SOUND_OFF, 0])))
    # At one instant the end of a note comes before the beginning of the next on the same key.
    events.sort(key=lambda event: event[:2])
    track, before = bytearray(b"\x00\xff\x51\x03" + (1_000_000).to_bytes(3, "big")), 0
    for at, _, message in events:
        track += variable_length(at - before) + message
        before = at
    track += b"\x00\xff\x2f\x00"
    header = b"MThd" + struct.pack(">IHHH", 6, 0, 1, 1000)
    return header + b"MTrk" + struct.pack(">I", len(track)) + track


def variable_length(number: int) -> bytes:
    """Seven bits a byte, the highest first; all bytes but the last have the top bit set."""
    parts = [number & 0x7F]
    while number := number >> 7:
        parts.append(0x80 | number & 0x7F)
    return bytes(reversed(parts))
