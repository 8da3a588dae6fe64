"""What a structure is in SNOMED CT, for DICOM-SEG and RTSTRUCT, where the model does not say it itself.

The codes are those that DICOM PS3.16 lists for segmented properties (CID 7151 and the groups it includes). A structure
that is not among them has a code of the private scheme 99WARDROUND, whose value is its name, and is a tissue by
category: that is the least that can be said of it.
"""

import re
from dataclasses import dataclass

from workers.images.volumes.card import Code, Structure

PRIVATE = "99WARDROUND"

ANATOMICAL = Code(scheme="SCT", value="91723000", meaning="Anatomical Structure")
ABNORMAL = Code(scheme="SCT", value="49755003", meaning="Morphologically Abnormal Structure")
TISSUE = Code(scheme="SCT", value="85756007", meaning="Tissue")

LEFT = Code(scheme="SCT", value="7771000", meaning="Left")
RIGHT = Code(scheme="SCT", value="24028007", meaning="Right")

_ABNORMAL = """
108369006 Neoplasm: neoplasm tumor tumour
52988006 Lesion: lesion
4147007 Mass: mass
27925004 Nodule: nodule
367643001 Cyst: cyst
79654002 Edema: edema oedema
6574001 Necrosis: necrosis
50960005 Hemorrhage: hemorrhage haemorrhage
"""

_ANATOMICAL = """
10200004 Liver: liver
78961009 Spleen: spleen
64033007 Kidney: kidney
15776009 Pancreas: pancreas
28231008 Gallbladder: gallbladder gall_bladder
69695003 Stomach: stomach
38848004 Duodenum: duodenum
30315005 Small intestine: small_bowel small_intestine
71854001 Colon: colon
34402009 Rectum: rectum
32849002 Esophagus: esophagus oesophagus
23451007 Adrenal gland: adrenal_gland adrenal
89837001 Bladder: urinary_bladder bladder
41216001 Prostate: prostate
64739004 Seminal Vesicle: seminal_vesicle
35039007 Uterus: uterus
76752008 Breast: breast
69748006 Thyroid: thyroid_gland thyroid
44567001 Trachea: trachea
39607008 Lung: lung
45653009 Upper lobe of lung: lung_upper_lobe
90572001 Lower lobe of lung: lung_lower_lobe
72481006 Middle lobe of right lung: lung_middle_lobe_right right_lung_middle_lobe
80891009 Heart: heart
87878005 Left ventricle: left_ventricle heart_ventricle_left
53085002 Right ventricle: right_ventricle heart_ventricle_right
82471001 Left atrium: left_atrium heart_atrium_left
73829009 Right atrium: right_atrium heart_atrium_right
15825003 Aorta: aorta
81040000 Pulmonary artery: pulmonary_artery
122972007 Pulmonary vein: pulmonary_vein
64131007 Inferior vena cava: inferior_vena_cava
48345005 Superior vena cava: superior_vena_cava
32764006 Portal vein: portal_vein
35819009 Splenic vein: splenic_vein
12691009 Innominate artery: brachiocephalic_trunk
8887007 Innominate vein: brachiocephalic_vein
36765005 Subclavian artery: subclavian_artery
32062004 Common carotid artery: common_carotid_artery
69105007 Carotid Artery: carotid_artery
10293006 Iliac artery: iliac_artery
244411005 Iliac vein: iliac_vein iliac_vena
12738006 Brain: brain
113305005 Cerebellum: cerebellum
119238007 Brain Stem: brainstem brain_stem
5366008 Hippocampus: hippocampus
42695009 Thalamus: thalamus
89278009 Putamen: putamen
11000004 Caudate Nucleus: caudate caudate_nucleus
4958002 Amygdala: amygdala
427667007 Nucleus Accumbens: accumbens nucleus_accumbens
40146001 Cerebral cortex: cerebral_cortex
68523003 Cerebral White Matter: cerebral_white_matter
66720007 Lateral Ventricle: lateral_ventricle
49841001 Third ventricle: third_ventricle
35918002 Fourth Ventricle: fourth_ventricle
65216001 Cerebrospinal Fluid: csf cerebrospinal_fluid
389081007 Gray Matter: gray_matter grey_matter
389080008 White Matter: white_matter
2748008 Spinal cord: spinal_cord
244453006 Optic chiasm: optic_chiasm
81745001 Eye: eye
45289007 Parotid gland: parotid_gland
54019009 Submandibular gland: submandibular_gland
91609006 Mandible: mandible
89546000 Skull: skull
54735007 Sacrum: sacrum
51282000 Vertebra: vertebra vertebrae
113197003 Rib: rib
56873002 Sternum: sternum
51299004 Clavicle: clavicle clavicula
79601000 Scapula: scapula
85050009 Humerus: humerus
71341001 Femur: femur
29836001 Hip: hip
64234005 Patella: patella
87342007 Fibula: fibula
59441001 Lymph Node: lymph_node
39937001 Skin: skin
"""

_VERTEBRAE = {
    "c": "14806007 39976000 113205007 5329002 36978003 36054005 87391001",
    "t": "64864005 53733008 1626008 73071006 56401006 45296009 62487009 11068009 82687006 7610001 12989004 23215003",
    "l": "66794005 14293000 36470004 11994002 49668003",
}


@dataclass(frozen=True)
class Coded:
    """A structure as DICOM has it: what kind of thing, which one, and on which side (None: not said)."""

    category: Code
    kind: Code
    side: Code | None = None


def _table(text: str, category: Code) -> dict[str, Coded]:
    found: dict[str, Coded] = {}
    for line in text.strip().splitlines():
        said, _, names = line.partition(": ")
        value, _, meaning = said.partition(" ")
        found |= dict.fromkeys(names.split(), Coded(category, Code(scheme="SCT", value=value, meaning=meaning)))
    return found


def _vertebrae() -> dict[str, Coded]:
    found: dict[str, Coded] = {}
    for region, values in _VERTEBRAE.items():
        for number, value in enumerate(values.split(), 1):
            name = f"{region}{number}"
            code = Code(scheme="SCT", value=value, meaning=f"{name.upper()} vertebra")
            found[f"vertebrae_{name}"] = found[f"vertebra_{name}"] = Coded(ANATOMICAL, code)
    return found


KNOWN = _table(_ANATOMICAL, ANATOMICAL) | _table(_ABNORMAL, ABNORMAL) | _vertebrae()
"""By the structure's name in small letters, without its side."""

_ABNORMAL_VALUES = {one.kind.value for one in KNOWN.values() if one.category == ABNORMAL}


def coded(structure: Structure) -> Coded:
    """Its own code, else the one that its name has here (`left_kidney`, `kidney_left` and `rib_left_4` are told apart
    by side), else one of the private scheme."""
    if structure.code is not None:
        is_abnormal = structure.code.scheme == "SCT" and structure.code.value in _ABNORMAL_VALUES
        return Coded(ABNORMAL if is_abnormal else ANATOMICAL, structure.code)
    name = structure.name.lower()
    if name in KNOWN:
        return KNOWN[name]
    words = name.split("_")
    sides = [word for word in words if word in ("left", "right")]
    plain = re.sub(r"_\d+$", "", "_".join(word for word in words if word not in sides))
    if plain in KNOWN and len(sides) < 2:
        side = {"left": LEFT, "right": RIGHT}[sides[0]] if sides else None
        return Coded(KNOWN[plain].category, KNOWN[plain].kind, side)
    return Coded(TISSUE, Code(scheme=PRIVATE, value=structure.name, meaning=structure.name.replace("_", " ")[:64]))
