from .custom_resnet import CustomResNet as CustomResNet
from .from_timm import timm_model as timm_model
from .from_torchvision import torchvision_model as torchvision_model
from .resnet import ResNet18 as ResNet18
from .summary import ModelSummary as ModelSummary
from .summary import summarise as summarise
from .three_block import ThreeBlockConvNet as ThreeBlockConvNet
from .whitening import WhitenedConv as WhitenedConv
