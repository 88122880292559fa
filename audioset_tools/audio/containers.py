"""What ffmpeg may open: containers of recorded sound, and the protocols that their bytes come by.

ffmpeg goes by what a file holds, not by its name: what is called `.mp3` and is a playlist (HLS, DASH, concat,
IMF, SDP) has it open other files and addresses, and give their sound for this one's. So the containers that
may be read are named. Not among them are playlists, scripts, and whatever else leads elsewhere; sound that is
computed and not recorded (tracker modules, chip music, binaural beats); pictures, subtitles and devices.
"""

_CODECS = (
    "aac ac3 ac4 adx aea amr amrnb amrwb apac ape aptx aptx_hd bonk codec2 dfpwm dsf dss dts dtshd eac3 flac"
    " g722 g723_1 g726 g726le g728 g729 gsm hca iamf ilbc lc3 loas mlp mp3 mpc mpc8 osq qoa rka sbc shn spdif"
    " s337m tak truehd tta voc vqf wavarc wv xa"
)
_SOUND = (
    "aa act aiff ast au avr binka brstm bfstm caf daud epaf fsb hcom iff ircam kvag laf mca mmf nistsphere"
    " nsp oma paf pvf qcp rsd rso sds sdx sln sol sox w64 wav wsd wve xvag xwma"
)
# References to other files in those of Matroska and QuickTime are not followed.
_FILMS = (
    "asf asf_o avi dhav dv flv gxf ifv ivr kux live_flv m4a matroska mov mp4 mpeg mpegts mpegtsraw mxf nsv"
    " nut nuv ogg pva rm swf ty vividas vivo webm wtv"
)
_GAMES = (
    "3dostr 4xm aax ace acm adf adp ads afc aix alp anm apc apm argo_asf argo_brp argo_cvg avs bethsoftvid"
    " bfi bink bmv boa c93 cdxl cine dcstr derf dfa dsicin dxa ea ea_cdata film_cpk fwse gdv genh hnm hxvs"
    " idcin ipmovie iss jv lmlm4 luodat lvf lxf mgsts mlv mm mods moflex msf mtaf mtv musx mv mvi mxg pmp"
    " pp_bnk psxstr redspark rl2 roq rpl scd sdns sdr2 sga siff simbiosis_imx smjpeg smk smush svag svs thp"
    " tiertexseq tmv txd usm vag vmd vpk wady wc3movie wsaud wsvqa xmd xmv yop"
)

RECORDINGS = f"{_CODECS} {_SOUND} {_FILMS} {_GAMES}".replace(" ", ",")
"""The demuxers of ffmpeg 5.1 to 9.0 that read recorded sound; a name that a build lacks does no harm."""

FILE = "file"
"""The protocol of what is opened here and read through a descriptor."""

BY_NETWORK = {"https": "https,tls,tcp,httpproxy", "http": "http,tcp"}
"""By the scheme of an address the protocols that serve it, and no other."""
