"""The general category of each character, from Unicode 16.0.0.

`.ci/unicode_categories.py` renews the table. The table is our own, because Python's table differs
between versions of Python. tiktoken 0.14 and tokenizers 0.23 have the categories of Unicode 16.
"""

import base64
import zlib
from functools import cache

import numpy as np

from bytepiece._arrays import I64, U8

VERSION = "16.0.0"
"""The version of Unicode."""
_NAMES = "Lu Ll Lt Lm Lo Mn Mc Me Nd Nl No Pc Pd Ps Pe Pi Pf Po Sm Sc Sk So Zs Zl Zp Cc Cf Cs Co Cn"
CATEGORIES = _NAMES.split()
"""The names of the categories."""


@cache
def category_runs() -> tuple[I64, U8]:
    """Return where each run of code points of one category begins, and its category's number."""
    packed = zlib.decompress(base64.b85decode(_RUNS))
    starts, numbers = [], []
    code = at = 0
    while at < len(packed):
        starts.append(code)
        numbers.append(packed[at])
        length = shift = 0
        while True:
            at += 1
            length |= (packed[at] & 0x7F) << shift
            shift += 7
            if packed[at] < 0x80:
                break
        at += 1
        code += length
    return np.array(starts, dtype=np.int64), np.array(numbers, dtype=np.uint8)


_RUNS = (
    "c-q}rOQ>W=8ScO8uR7;cci--Fx~uQKedoV(=g!Q{OlBsT%rk0C1|@?bA;yIX5%Gah@Bzs}5Ogy{F`FQYxQQUB!F2>ljH"
    "@6%5EUY5a3K=hxKKh?8c@{l|Ig{3I}b+laDpzXPo1hdfBo-QuW!w$_7jXDtx!!3#(-*9rrI^WcD?x!D=RdmJ_g~f!COP"
    "?`|ur2IOBIpnV3dconxkN4JC)ufHS3py)h+UQ*X7QUO{UOQQ5=pbsX+>?!Ug_mUF+H>(k?2Ue4P+cg1&Z*ZIY|V}r)rB"
    "WI^~|GsWY-7ZM}y2@!WijEg8wtU6@omkrN&6NFMy5hsM@X$MqIy|yCr7QXr2NG2KNO%f(n0e8+mZvqI740{wRR*sP&!E"
    "p{DV5$yI{rp*AX5m1yRJNUZ<1|XhXD!is20?b4y$()m)!)b;n;uz^dY!zkd(Y3%v?L^&!hT3ct)HK{TjZl_PphZQ^@d+"
    "%q|drq=t73h5Ee^y$cRc?39UphK<%Mg70vGcr$E>;|D{ZNmj7GFH|0<Ywv+ipo!yIU{6@3fVB|B)gvKZ4<0jM%Y6yFHY"
    "JXL=_G`T598e0oWfQlJ`*VFJrsQ?Bje2}X28~&H-|m&NLK-=1SSq+hIxTO0#Bk?*w>ih6o$S_8DTf9U-^JlVD2U^#Y_|"
    "I8qYv=RQ#fyy9m`S2Ox<;cESn+6nU%^xKnQ^O5h0SfF`MfRq1^gyJ3YTh5@p(bBZHwBpE>(h8<#(LWVSO=IYe$hDFA;T"
    "@*`UkT0QFqg#r=O|exvz2U}qI%(IO&2`=LKv*FGqL1F_ZgGs!B%gea6X**hXnVk~rF9i!+~O5{1aH76#SIwQ35DSnbV^"
    "ZEDzfQTgnnECC0#~gSnwk1*9B&=l}rZ<GvGD=<!;IO!;nd<4YZ(w6>DZ6ar1&Vsmi929j_bEzt+i5u`Nu}jIWgzl~^ee"
    "H#)^x27Ejy7KJdhDMFjenl$r}gG<f=cY~<&WTz{GjCHRz42dc{NMj55`Ff-oNd|Tq_aw+J&|+wYqXSebw+=uXSHPd3*3"
    "TjI0quZLE^!(ZWmkvHhRYG~jd2nZR30g3fMw)pa}HiP1s*C_n1{jm9AnG>GAZw}gAdZEgNPxHj;K8%e*eswBDu~C+xg+"
    "{x$i1_>Jr}4&EKh}R99&VrjK)y*t;K~qqqU_pDi=vdPY1~nsMar+E*Tw7u-O<NGhJFu7kn~D-O~awz9YRDcuW2ERCAJ`"
    "YFv5*(@F$j|roW$Q409e2_{Z@_u-k)3_mkFWY7>fzM0gy<$2In7*@)2#o-a;?+Cxrb)EVN1<PH)sTdpyv?hjwMzIfKHX"
    "VsA?;J~Dgh^{rt9rG>O%cIR#plMW4T4;#y8vf(Aq-i<ZoWF$SG90s=ZRno9YWpcEHxW_)+`PsRVTmI$px_9{^WMvn5{#"
    "+zPu_8horBRTgnV?}#9us7om!A__yr8=3+w4`ywuLlWqyzk`O*gl&H?ocmvov)6G{{}(irYOFmB)I+6><$IT*E{E-|=#"
    "DFw13pkI2&a`9O_9AW-(iNL`6#?M=4CHT5kGeA!|lxa^DuzMj!>NqY2@se>T;FVXdY1ARk~Ai-_^b`zghRSI_y)OW;lT"
    "?1XilqOG2ik`<_y2XYkEK@soWr3PU&pDts8o2tJT9Dwe#ceY|G6`i=}b<k)N9+5z9tX8w$kl@`}%w#`~yDuhgFTxs4;6"
    "(_6+oLCNx%iI`58wJK*tm&L={<zEKA`s*$whEiQ2b-JCdOp;|{4Sa0zT|XUzBkSCGx}YHai%Hr!+5^33?x?@X)_;fg3g"
    "+~SKDvK`GRXce@z%yd~?Tgwq?JMx_rFJpep7Ykj-u(T7A5CysJI@Wf?m!vv_2vZ&E$?hS&3|E$v(It;emQ1@OO!vihcV"
    "AKxk(4UlyO&5J4vq}Lc>tF;ExdvCw(ywZ-yVDZ*j%%vi#18zzKSF@fQQawce;4eRg+G9J<A*}~xkY6B~=dre5vL@$LT~"
    "+qkT?qugC>^RwgVlh1$gc9<(($bM#QmC*Pn}1IK_>7%q#E7=@e%BOKogt9Iq_EB5l!C48NnHe(q<}QQlq?u`3-nJ=lHp"
    "k`5b@kNyYB3CF1c}@bHjEIeuKrDP$d54#@PsDQrzR3JsxF!n{@}TAK0sN{gW=<#g3o(`%Kr{>@Zxzq>u=uC{*>cYgI4h"
    "i+W!3}3umTw6l7<I<Coy>GGbILSrOl8G$MS#8s(jJbG}i_S`($fs&XN$L1R90yINER_rmM`)8Ktd`309uxu&$zLA{7fN"
    "pylo7s5<Xo4c`Ff}&0KP|(j)YUSw8FQ+iWf`GEk&ygCrxA9#1$sWW1NlIFA6|D(H31=5LxPKg|w`(YPsWnoAzS{I`s=A"
    "v<TAOSh^KDGDSvDmC8q$?&JM!8Q2zRahW*tlMf)jUPY#Ri}1#U@tzAO_$4h+KOs9*$N*tI7zU{!OUc8s$ZW@_rnQXuPf"
    "p!I9`iYTdPYzSq5>LBwDuX-Mcd5<YsWPWT;Kh>5L4R;M0;N&OHeO%$u2U00X4cq+7SWniqvDEXb#L?O9Qz*-CoTJ@;C;"
    "6wHK-MMb0`crzZ&A+ESi?a)fY(hf8yxm0ts(0B6dRjxQsut;jZi4#5D$MLGtTRaK|q?ds$*kk3d;z^0q?G05UkQ!B_|6"
    "ewxeXDcy;Ijx{9mAcEFpn}*`nzdGB)TULC8+(W75Z~L1vWIojy+cy+DOJ@Ts>mLSv|ge8MJNT{3Gbu|q8)-$ko_~Nl{0"
    "8jDQh03roR!Rk~@uNmGsfBrJzA<RS`%fuflH^;82+=Io{D6Qs7yNC_|JJC}iavf*vQwE{&0x-NbDZLEA-a?G`QV#ab}1"
    "Oh77X43?xV1W6t$geU;}gNRe83*dPM&<kMefWrhgmMHQISn(hgav$F%XL~1QNGGL8kq-n|cUy`vYeeeJV7XzSK5Zst<K"
    "%ft2seDAA~mpn22|P0S)eB=X}^hQp`W-8GDAYgxM&B_s*tHh@XlOMhY?WYG%eeXfHJKz2XRb07Hal26th<6ljeHMx^|g"
    "h4IU_J9aw7D0FJ=AWVmyGP&HI2S_d8nlnOhz9T=GDf*{ocQtLp$-3Jqh*R`)<2Cn@>tL$*&?YjzgvVuLSC7Sc{xH%Xm?"
    "i#%*s}2qBqBG@}9i+fPSAup{v|>(Or$z7Ek+weul~QMC9WrjaWNmLy2dq~|2@wlwYHyXSw|&-X*7o(y%cgN68rM0rRjV"
    "ornUKE&f84bTyUlu)wZXS-pOs6-s2=yNI3LP{k1UJ#*dnFOF`b#p9^MeQ+}D;%5H1t66Lt#*Jqyz?*;v0;9_nq;miC}v"
    "Q)Sm5D?2W(MdgBPyOV7vrgis_Ai{*4w=ZsJ2?$C8wGsx`Ho&RGhZI4~xGt?TOcqo;-(=Oikp(Rs!UT#s$<xI9YHRR8)Y"
    "|?!*tIGaR0c^vb)pRqZFhv3STn<7i(2SiO9j}00JUwVtJ*fO#<anW-H9!0>ABsaH3fg#Sx*PruU$i<Sp&#6js;n0Dsoe"
    "`8+otxO;gV01P)S$p#6zLK2|*}iff;LMDmL%e;A;K{8Tv~Tkm27r}g!{P{N<GJbRiqQ9;54aPv=w{49(5r$t15x3n!Gr"
    "Byvs;^U#vmYRo2!3!sCJSL?%1KvcQ@<>w;dGJ-ik%~60!u&tVcZ&%po&`~i!txvr!J~i#%@0=im75`*7b-anWBB8p9vb"
    "ff)+?jF?PLTprE8zAz$8n4+{+gl{v>WiJYe;I$O^Kl)STsaoB3tKJb%y2J>e#x56_c7Ew|;r0Bb9_Zc|0bKE`<&$_!)7"
    "n}PG&CFgepjWC~uix}w04@i~P<uU5bX^x>$ps~6A|D?$khCYEcDtzt|Ej`z_bD#oyu2;4(Wx0YR&UypBTb*BZ?7^4o4U"
    "vxcAJ6Pxv+_i~z~L-1xD(bAT?y6_MYvSm8_Dw}!6(vGB1QR4tLwEnrdDqeJpJvm4^n!B5s5<qp=i)#Ya^q&*u+-NM*|F"
    "8!i3~`&l`}czP_OUmspn-szmalH{0N4oG1RV_8lr*cDT1q+W=1LC{*#}D>1zdl?-wc1oV5-F|BIkhwbMZ9f*a;OdVLV5"
    "n21&w0v*F<?i#BkHsE${+oBfQ`j|>%y%hVEvFCwzvS{!;rtME1NjOD**J*kH_YE8xiyOn?FbYTY0gTH@&x6-(KO`W!W+"
    "U=z2z~V!Tf{J(t)*6NA|o`O6>z@q$3%2XKPMw&%buKZUqbaA-Ii$g<aprVZG<8Ksdi24E$orFaFXY4fw$p*ztR%?a^bf"
    "oA16AhV&B4w<i1zmOu3Q=Q|+n#Vz^O_m3dLZq7d>7bv_;^5wt#J^%P8%&q<X7eLBS(*"
)
"""A category and a length in base 128 for each run: compressed, in Base85."""
