class OneDnn(Module):
  def pack_convolution(self: __torch__.OneDnn, weight: Tensor, stride: List[int], padding: List[int], dilation: List[int], groups: int, input: List[int]) -> Tensor:
    return ops.mkldnn._reorder_convolution_weight(weight, padding, stride, dilation, groups, input)
  def pack_linear(self: __torch__.OneDnn, weight: Tensor, rows: int) -> Tensor:
    return ops.mkldnn._reorder_linear_weight(weight, rows)
  def convolution(self: __torch__.OneDnn, x: Tensor, weight: Tensor, bias: Optional[Tensor], stride: List[int], padding: List[int], dilation: List[int], groups: int, function: str, numbers: List[float], form: Optional[str]) -> Tensor:
    scalars = annotate(List[Optional[number]], [])
    for i in range(torch.len(numbers)):
      _0 = torch.append(scalars, numbers[i])
    return ops.mkldnn._convolution_pointwise(x, weight, bias, padding, stride, dilation, groups, function, scalars, form)
  def convolution_sum(self: __torch__.OneDnn, x: Tensor, other: Tensor, weight: Tensor, bias: Optional[Tensor], stride: List[int], padding: List[int], dilation: List[int], groups: int, function: Optional[str]) -> Tensor:
    none = annotate(List[Optional[number]], [])
    return ops.mkldnn._convolution_pointwise(x, other, weight, bias, padding, stride, dilation, groups, "add", 1., function, none, None)
  def convolution_sum_over(self: __torch__.OneDnn, x: Tensor, other: Tensor, weight: Tensor, bias: Optional[Tensor], stride: List[int], padding: List[int], dilation: List[int], groups: int, function: Optional[str]) -> Tensor:
    none = annotate(List[Optional[number]], [])
    return ops.mkldnn._convolution_pointwise_(other, x, weight, bias, padding, stride, dilation, groups, "add", 1., function, none, None)
  def linear(self: __torch__.OneDnn, x: Tensor, weight: Tensor, bias: Optional[Tensor], function: str, numbers: List[float], form: Optional[str]) -> Tensor:
    scalars = annotate(List[Optional[number]], [])
    for i in range(torch.len(numbers)):
      _0 = torch.append(scalars, numbers[i])
    return ops.mkldnn._linear_pointwise(x, weight, bias, function, scalars, form)
  def linear_sum(self: __torch__.OneDnn, x: Tensor, other: Tensor, weight: Tensor, bias: Optional[Tensor]) -> Tensor:
    return ops.mkldnn._linear_pointwise(x, other, weight, bias, "add")
