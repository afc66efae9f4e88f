"""How much may be lost: levels, sizing, exposure, and the gate through which every enlargement passes."""
